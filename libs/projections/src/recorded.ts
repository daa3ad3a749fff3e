import type { DomainEvent, RecordedEvent } from '@livegift/kernel';

/** A domain event as the log has it. */
export type Recorded<Event extends DomainEvent> = Event & RecordedEvent<Event['type'], Event['data']>;

// Longer than most: every metric of every process stands here once. Telemetry, the reference and checks are derived from it.

/** The processes, as logs and metrics call them. */
export const METRICS_APPS = ['standalone', 'gift-api', 'settlement', 'projector', 'publisher', 'room-gateway'] as const;
export type MetricsApp = (typeof METRICS_APPS)[number];

/** Values that only come with time, such as routes; they are bounded by code or configuration, never by what clients send. */
export const LATER = null;

type LabelValues = Readonly<Record<string, readonly string[] | typeof LATER>>;

export interface MetricDefinition<Kind extends 'counter' | 'gauge' | 'histogram' = 'counter' | 'gauge' | 'histogram'> {
  readonly kind: Kind;
  /** What is counted or measured, and what it means to see it. */
  readonly help: string;
  /** Each process that has it, with the values of its labels: it exists from the start for each combination of them. */
  readonly in: Partial<Readonly<Record<MetricsApp, LabelValues>>>;
}

const of =
  <Kind extends MetricDefinition['kind']>(kind: Kind) =>
  (help: string, apps: MetricDefinition['in']): MetricDefinition<Kind> => ({ kind, help, in: apps });
const counter = of('counter');
const gauge = of('gauge');
/** Of seconds. */
const histogram = of('histogram');

/** In these processes, with these labels in each. */
function within(apps: readonly MetricsApp[], labels: LabelValues = {}): MetricDefinition['in'] {
  return Object.fromEntries(apps.map((app) => [app, labels]));
}

const API = ['standalone', 'gift-api'] as const;
const ROOMS = ['standalone', 'room-gateway'] as const;
const SETTLEMENT = ['standalone', 'settlement'] as const;
const PROJECTOR = ['standalone', 'projector'] as const;
const PUBLISHER = ['standalone', 'publisher'] as const;
const EMBEDDED = ['standalone'] as const;
const LOG_READERS = ['gift-api', 'settlement', 'projector', 'publisher'] as const;
const KAFKA = ['publisher', 'room-gateway'] as const;
const BY_SOURCE = { source: ['live', 'import'] } as const;

const CONSUMERS: MetricDefinition['in'] = {
  standalone: { consumer: ['settlement', 'projector', 'publisher', 'room-feed', 'finisher'] },
  'gift-api': { consumer: ['finisher'] },
  settlement: { consumer: ['settlement'] },
  projector: { consumer: ['projector'] },
  publisher: { consumer: ['publisher'] },
  'room-gateway': { consumer: ['room-feed'] },
};
const SERVERS: MetricDefinition['in'] = {
  'gift-api': { server: ['event-store', 'read-model'] },
  settlement: { server: ['event-store', 'leases'] },
  projector: { server: ['event-store', 'read-model'] },
  publisher: { server: ['event-store', 'fan-out', 'leases'] },
  'room-gateway': { server: ['fan-out', 'read-model'] },
};
const WORK_GROUPS: MetricDefinition['in'] = {
  'gift-api': { group: ['purchase-finisher'] },
  settlement: { group: ['settlement'] },
  projector: { group: ['projector'] },
  publisher: { group: ['publisher'] },
};
const PARTITIONED = within(['standalone', 'projector', 'publisher'], { consumer: LATER, partition: LATER });

/** Names are Prometheus names without the prefix `livegift_`. */
export const METRICS = {
  build_info: gauge('Always 1; its labels say what runs', within(METRICS_APPS, { version: LATER, app: LATER })),

  http_request_duration_seconds: histogram(
    'Time to answer a request; a stream lasts until it ends. The route is a pattern, or unmatched',
    within(API, { method: LATER, route: LATER, status: LATER }),
  ),
  http_responses_total: counter(
    'Answers by class of status; 5xx: a client was not served',
    within(API, { class: ['2xx', '3xx', '4xx', '5xx'] }),
  ),
  slow_stream_readers_total: counter('Readers of streams that were dropped because they did not read', within(API)),
  log_readers: gauge('Clients that read the log now', within(API)),
  log_readers_refused_total: counter('Readers of the log refused with 503 because there were too many', within(API)),
  board_streams: gauge('Leaderboards that stream themselves to a client now', within(API)),
  board_streams_refused_total: counter('Streamed leaderboards refused with 503: there were too many', within(API)),
  board_stream_reads_failed_total: counter('Reads for streamed leaderboards that failed and are repeated', within(API)),

  new_subjects_refused_total: counter(
    'Commands refused with 503: the read model has no room for new subjects',
    within(API),
  ),
  board_stream_periods_unsettled_total: counter('Last frames of a period sent before all had arrived', within(API)),
  clock_skew_seconds: gauge('How far this clock is ahead of the others; negative: behind', within(METRICS_APPS)),
  clock_skews_seen_total: counter('Comparisons of clocks that found 2 s or more', within(METRICS_APPS)),
  clock_steps_total: counter(
    'Times that the clock was set by 2 s or more, or the machine was suspended',
    within(METRICS_APPS),
  ),
  history_lost: gauge(
    '1: the event store ends earlier than was known. It was restored; see the runbook',
    within(METRICS_APPS),
  ),

  gifts_total: counter('Gifts that this process accepted', within(API, BY_SOURCE)),
  gift_coins_total: counter('Coins of the gifts that this process accepted', within(API, BY_SOURCE)),
  purchases_total: counter('Purchases of coins that this process accepted', within(API, BY_SOURCE)),
  purchased_coins_total: counter('Coins of the purchases that this process accepted', within(API, BY_SOURCE)),

  append_duration_seconds: histogram('Time until the events of commands were durable, for each append', within(API)),
  commands_overloaded_total: counter('Commands refused with 503 because a queue was full', within(API)),
  commands_conflicts_total: counter(
    'Appends decided again because the stream had changed; some are normal',
    within(API),
  ),
  commands_failed_appends_total: counter('Appends that the event store did not take', within(API)),
  streams_loaded_total: counter('Wallets and rooms read from the event store: they were not cached', within(API)),
  streams_evicted_total: counter('Wallets and rooms dropped from the cache to make room', within(API)),
  finisher_pending: gauge('Claims of payments and import lines that are not yet coins; falls to 0', within(API)),
  finisher_finished_total: counter('Claims finished for a process that died', within(API)),
  finisher_failures_total: counter('Attempts to finish a claim that failed and are repeated', within(API)),

  event_store_events_appended_total: counter('Events made durable in the embedded store', within(EMBEDDED)),
  event_store_commit_duration_seconds: histogram(
    'Time of a commit of the embedded store, fsync included',
    within(EMBEDDED),
  ),
  event_store_commit_failures_total: counter('Commits of the embedded store that failed', within(EMBEDDED)),
  event_store_lost_total: counter('Another process took the data directory: this one ends', within(EMBEDDED)),
  event_store_damaged_snapshots_total: counter('Damaged snapshots: the log is read instead', within(EMBEDDED)),
  event_store_overloaded_total: counter(
    'Calls refused because too many waited for the event store; clients get 503',
    within([...EMBEDDED, ...LOG_READERS]),
  ),
  event_store_resubscriptions_total: counter(
    'Subscriptions to the event store that broke off and were taken up again',
    within(LOG_READERS),
  ),

  server_up: gauge('1 while the server answers this process, 0 while it does not', SERVERS),
  lease_failures_total: counter('Renewals of a lease that failed; what is held stays held', WORK_GROUPS),
  lease_parts_held: gauge('Parts of the shared work that this process holds', WORK_GROUPS),
  kafka_client_complaints_total: counter('Refusing answers of Kafka, most of which its client repeats', within(KAFKA)),
  fanout_topics_made_again_total: counter('Topics that were deleted and made again', within(KAFKA)),

  consumer_stalled: gauge('1 while it makes no progress although there is or may be something to do', CONSUMERS),
  consumer_lag_seconds: gauge('How long ago the consumer had done everything that there was then', CONSUMERS),
  consumer_position: gauge(
    'Everything up to here is done: events (embedded), bytes of the log (EventStoreDB), offsets (room-feed over Kafka)',
    CONSUMERS,
  ),
  consumer_head: gauge('Where the source ends, on the scale of consumer_position', CONSUMERS),
  consumer_partition_position: gauge('As consumer_position, of each partition that this process holds', PARTITIONED),
  consumer_partition_lag_seconds: gauge('As consumer_lag_seconds, of each partition that it holds', PARTITIONED),
  consumer_failures_total: counter('Attempts of a consumer that failed and are repeated', CONSUMERS),
  consumer_refusals_total: counter('A consumer stopped: its checkpoint does not fit the event store', CONSUMERS),

  settlement_credits_total: counter('Gifts credited to creators', within(SETTLEMENT)),
  settlement_conflicts_total: counter('Two settlement workers wrote one creator; harmless', within(SETTLEMENT)),
  settlement_tails_inconsistent_total: counter(
    'Wake somebody: the stream of a creator holds what settlement did not write. Audit',
    within(SETTLEMENT),
  ),

  projection_delay_seconds: histogram(
    'From recording to answering queries, of the oldest event of a batch',
    within(PROJECTOR),
  ),
  projector_events_total: counter('Events applied to the read model, each once', within(PROJECTOR)),
  projector_batches_refused_total: counter('Batches that another projector came before; harmless', within(PROJECTOR)),
  projector_retries_total: counter('Attempts that failed and are repeated: Redis is away or full', within(PROJECTOR)),
  projector_partitions_held: gauge('Partitions of the read model that this projector works on', within(PROJECTOR)),
  projector_partitions_fallen_back_total: counter(
    'Partitions that lost their newest writes and redo them',
    within(PROJECTOR),
  ),
  projector_looks_failed_total: counter(
    'Partitions that could not be asked whether all is still there',
    within(PROJECTOR),
  ),

  publication_delay_seconds: histogram(
    'From recording to the fan-out, of the oldest message of a transaction',
    within(PUBLISHER),
  ),
  publisher_messages_total: counter('Messages published to the fan-out', within(PUBLISHER)),
  publisher_transactions_total: counter('Transactions committed to the fan-out', within(PUBLISHER)),
  publisher_restarts_total: counter(
    'Beginnings anew after a failure: the fan-out or the event store is away',
    within(PUBLISHER),
  ),
  publisher_fenced_total: counter('Source partitions that another publisher took over', within(PUBLISHER)),
  publisher_lanes: gauge('Source partitions that this publisher works on', within(PUBLISHER)),

  room_frame_delay_seconds: histogram(
    'From a gift to the last connection of its room, of the oldest frame written',
    within(ROOMS),
  ),
  room_frames_written_total: counter('Frames written, counted for each connection', within(ROOMS)),
  room_connections: gauge('Clients connected to rooms now', within(ROOMS)),
  room_connections_refused_total: counter('Clients refused because there were too many', within(ROOMS)),
  room_slow_clients_total: counter('Clients that were too slow and were sent away to come back', within(ROOMS)),
  room_resumes_too_old_total: counter('Resumes told complete false: from before the window', within(ROOMS)),
  room_resumes_foreign_total: counter('Resumes told complete false: of another store, or no frame id', within(ROOMS)),
  room_resumes_ahead_total: counter('Resumes told complete false: ahead of all that is known', within(ROOMS)),
  room_resumes_put_off_total: counter('Resumes sent back (1012, 503): this gateway lagged behind', within(ROOMS)),
  room_board_failures_total: counter('Reads of a room board that failed and are repeated', within(ROOMS)),
  room_boards_unsettled_total: counter('Boards sent when a period turned before all had arrived', within(ROOMS)),
  room_feed_rooms: gauge('Rooms that the feed knows', within(ROOMS)),
  room_feed_window_bytes: gauge('Frames kept for clients that resume', within(ROOMS)),
  room_feed_restarts_total: counter('Subscriptions to the fan-out that broke off', within(ROOMS)),
  room_feed_gaps_total: counter('Clients that resume will be told complete false', within(ROOMS)),
  room_windows_given_up_total: counter(
    'Windows given up to stay within bounds: resumes told complete false',
    within(ROOMS),
  ),
  room_feed_foreign_messages_total: counter(
    'Messages of another store: restart the gateways after a change of store',
    within(ROOMS),
  ),
  room_feed_repeated_messages_total: counter('Messages that came again and were dropped; harmless', within(ROOMS)),
  room_feed_unreadable_messages_total: counter('Messages that could not be read', within(ROOMS)),
  fanout_gaps_total: counter('Kafka has lost room messages; the log has them', within(['room-gateway'])),
  fanout_foreign_records_total: counter('Records in the topic that are none of ours', within(['room-gateway'])),
  fanout_subscription_waits_total: counter(
    'Times that reading waited for the rooms to take messages',
    within(['room-gateway']),
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

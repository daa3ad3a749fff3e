/** What each does, and after its reset; and which app of a cluster runs it. */
export const CONSUMERS = {
  settlement: {
    says: 'credits diamonds; reads the log again and skips what each creator has been credited with',
    app: 'settlement',
  },
  finisher: { says: 'completes claims; reads the log again and skips what is complete', app: 'gift-api' },
  projector: { says: 'builds the read models; builds them anew (queries answer 503 meanwhile)', app: 'projector' },
  publisher: {
    says: 'publishes to rooms; publishes the whole log again, after a restore what came since (same ids)',
    app: 'publisher',
  },
} as const;

export type ConsumerName = keyof typeof CONSUMERS;

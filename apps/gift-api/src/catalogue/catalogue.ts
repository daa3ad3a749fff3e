/** A gift that can be sent now. */
export interface ListedGift {
  readonly name: string;
  readonly title: string;
  readonly coins: number;
  readonly tier: 'small' | 'medium' | 'large' | 'grand';
  readonly icon: string;
}

/** What can be sent, and for how much. */
export class Catalogue {
  /** The gifts on offer, in the order of their listing; at most `referenceStalenessMs` old. */
  async gifts(): Promise<readonly ListedGift[]> {
    throw new Error('wanted');
  }
}

/** Ids of viewers, creators, rooms and gift names: `[A-Za-z0-9._-]{1,64}`. */
export const ID_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type ViewerId = Branded<'ViewerId'>;
export type CreatorId = Branded<'CreatorId'>;
export type RoomId = Branded<'RoomId'>;
export type GiftName = Branded<'GiftName'>;
/** `<viewerId>.<revision of its GiftSent in the wallet>`: says where its event stands (ADR 0003). */
export type GiftId = Branded<'GiftId'>;
/** `<viewerId>.<revision of its CoinsPurchased in the wallet>`. */
export type PurchaseId = Branded<'PurchaseId'>;

export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}

/** The id of what a wallet wrote at `revision`: a gift's or a purchase's. */
export function idAtRevision<Id extends GiftId | PurchaseId>(viewerId: string, revision: number): Id {
  return `${viewerId}.${revision}` as Id;
}

/** Where an id made by `idAtRevision` points, or null when it cannot be one. */
export function placeOfId(id: string): { readonly viewerId: ViewerId; readonly revision: number } | null {
  const dot = id.lastIndexOf('.');
  const digits = id.slice(dot + 1);
  if (dot < 1 || !/^(0|[1-9]\d{0,14})$/.test(digits)) return null;
  const viewerId = id.slice(0, dot);
  return isId(viewerId) ? { viewerId: viewerId as ViewerId, revision: Number(digits) } : null;
}

/** Ids of viewers, creators, rooms and gift names. `.` and `..` are none: in an address they would be folders. */
export const ID_PATTERN = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type ViewerId = Branded<'ViewerId'>;
export type CreatorId = Branded<'CreatorId'>;
export type RoomId = Branded<'RoomId'>;
export type GiftName = Branded<'GiftName'>;
/** `<viewerId>.<revision of its GiftSent in the wallet>[.<generation>]`: says where its event stands (ADR 0003). */
export type GiftId = Branded<'GiftId'>;
/** `<viewerId>.<revision of its CoinsPurchased in the wallet>`. */
export type PurchaseId = Branded<'PurchaseId'>;

export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}

/**
 * The id of what a wallet wrote at `revision`: a gift's or a purchase's. After a restore revisions are used again, so the
 * generation stands behind.
 */
export function idAtRevision<Id extends GiftId | PurchaseId>(
  viewerId: string,
  revision: number,
  generation: string | null,
): Id {
  return (generation === null ? `${viewerId}.${revision}` : `${viewerId}.${revision}.${generation}`) as Id;
}

/** A revision has at most 15 digits, so the 16 of a generation are none. */
const PLACE = /^(.+?)\.(0|[1-9]\d{0,14})(?:\.([0-9a-f]{16}))?$/;

/**
 * Where an id made by `idAtRevision` points, or null when it cannot be one. What stands there may be of another
 * generation: it is the one that was meant only if it has this id.
 */
export function placeOfId(id: string): { readonly viewerId: ViewerId; readonly revision: number } | null {
  const [, viewerId, digits] = PLACE.exec(id) ?? [];
  return isId(viewerId) ? { viewerId: viewerId as ViewerId, revision: Number(digits) } : null;
}

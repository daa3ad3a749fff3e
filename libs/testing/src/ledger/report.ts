/** Says what is wrong with the event in hand. */
export type Report = (finding: string) => void;

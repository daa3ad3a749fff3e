import { commandErrorOf } from '@livegift/command-handling';

/** Store failures leave as CommandErrors. */
export async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    throw commandErrorOf(failure);
  }
}

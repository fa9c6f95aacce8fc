/** Bytes of a response that need no permission. Most responses are smaller. */
export const FREE_BYTES = 512 * 1024;

/** Total bytes of the responses that are larger. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Bounds the memory of large responses that are received at the same time. A large response waits until its whole size is
 * available, in the order of arrival, so that no two responses can wait for each other.
 */
export class ReceiveBudget {
  #left = MAX_BYTES;
  readonly #waiting = new Set<{ bytes: number; onGranted: () => void }>();

  /**
   * Reserves memory for a response.
   *
   * @param bytes At most 64 MiB.
   * @param onGranted Called when the memory is available, which may be at once.
   * @returns A function that releases the memory, or ends the wait for it.
   */
  reserve(bytes: number, onGranted: () => void): () => void {
    const reservation = { bytes: Math.min(bytes, MAX_BYTES), onGranted };
    this.#waiting.add(reservation);
    let isReleased = false;
    this.#grant();
    return () => {
      if (isReleased) return;
      isReleased = true;
      if (!this.#waiting.delete(reservation)) this.#left += reservation.bytes;
      this.#grant();
    };
  }

  #grant(): void {
    for (const reservation of this.#waiting) {
      if (reservation.bytes > this.#left) return;
      this.#waiting.delete(reservation);
      this.#left -= reservation.bytes;
      reservation.onGranted();
    }
  }
}

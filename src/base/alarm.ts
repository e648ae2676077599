/** A sleep that others can end early: for loops that look at the clock now and then, and at once when something happens. */
import type { Clock } from './clock.ts'

/** Lives as long as the signal it was made with. */
export class Alarm {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #sleep = new AbortController()

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
    // One listener for all sleeps: a listener a sleep would pile up on a signal that lives as long as the process.
    signal.addEventListener('abort', () => this.#sleep.abort(), { once: true })
  }

  /** Ends the sleep in progress, or the next one at once. */
  ring(): void {
    this.#sleep.abort()
  }

  async sleep(delayMs: number): Promise<void> {
    if (this.#signal.aborted) return
    await this.#clock.wait(delayMs, this.#sleep.signal)
    this.#sleep = new AbortController()
  }
}

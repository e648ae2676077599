/** What TLS asks of certificates, whoever makes them. */
import type { CertificatePair } from './leaf.ts'

/** The pair to serve now, and word of the next one. */
export interface CertificateSource {
  current(): CertificatePair
  /** `listener` hears of every later pair, until the returned function is called. */
  onChange(listener: (pair: CertificatePair) => void): () => void
}

/** A value that changes, with those who want to know. */
export class Observed<T> {
  readonly #listeners = new Set<(value: T) => void>()
  #value: T

  constructor(value: T) {
    this.#value = value
  }

  current(): T {
    return this.#value
  }

  set(value: T): void {
    this.#value = value
    for (const listener of [...this.#listeners]) listener(value)
  }

  onChange(listener: (value: T) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }
}

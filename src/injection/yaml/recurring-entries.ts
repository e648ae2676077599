/** List entries that came before, by their text: most of what a template writes is the same for every pod. */

/** Longer entries are read anew; what they are made of may be known. */
const MAX_LENGTH = 4096
/** Characters of all entries of a generation. */
const MAX_ROOM = 256 * 1024

/** Entries by the column of their dash and their text, those found lately and the ones before them. */
export class RecurringEntries {
  #recent = new Map<number, Map<string, unknown>>()
  #former = new Map<number, Map<string, unknown>>()
  #room = MAX_ROOM

  /** The value of an entry with this text, which is shared and must not be changed; undefined for an unknown one. */
  find(column: number, text: string): unknown {
    const recent = this.#recent.get(column)?.get(text)
    if (recent !== undefined || text.length > MAX_LENGTH) return recent
    const former = this.#former.get(column)?.get(text)
    if (former !== undefined) this.keep(column, text, former)
    return former
  }

  /** Only objects recur in numbers. */
  keep(column: number, text: string, value: unknown): void {
    if (text.length > MAX_LENGTH || typeof value !== 'object' || value === null) return
    this.#room -= text.length
    if (this.#room < 0) {
      this.#former = this.#recent
      this.#recent = new Map()
      this.#room = MAX_ROOM - text.length
    }
    const entries = this.#recent.get(column) ?? new Map<string, unknown>()
    this.#recent.set(column, entries)
    // A slice would keep the whole text it was cut from.
    entries.set(JSON.parse(JSON.stringify(text)) as string, value)
  }
}

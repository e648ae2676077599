/** Answers to repeated reviews, ready to be sent: a copy, in which uid and name of the token volume are exchanged. */
import { SUFFIX_LENGTH, type Fingerprint } from './fingerprint.ts'

/** What is remembered of an answer. It is valid until the next one is remembered. */
export interface Remembered<Outcome> {
  readonly outcome: Outcome
  /** Name of the service account volume in the review that was computed. */
  readonly volume: string
  readonly slab: Slab
  readonly start: number
  readonly end: number
  /** Where the patch repeats the volume's name. */
  readonly windows: readonly Window[]
}

/** Whole groups of base64 that hold the volume's suffix; groups with the same bytes are told once. */
interface Window {
  readonly bytes: Buffer
  /** Of the suffix in `bytes`. */
  readonly suffixAt: number
  /** In the answer, of the groups' base64. */
  readonly places: readonly number[]
}

/** A computed answer as it is sent. */
export interface Answer {
  readonly text: string
  /** JSON of the patch inside, if there is one. */
  readonly patchJson?: string
}

export interface MemoOptions {
  /** Bound on what the memo holds. @default 64 MiB */
  readonly maxBytes?: number
  /** Every n-th hit is computed nevertheless and compared; 0 switches that off. @default 100 */
  readonly checkEvery?: number
}

const ANSWER_HEAD = '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"'
const PATCH_HEAD = '","allowed":true,"patch":"'
/** What an answer takes besides its bytes: key, entry, bookkeeping. */
const ENTRY_OVERHEAD_BYTES = 768
const PLACE_BYTES = 64
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
const DEFAULT_CHECK_EVERY = 100
/** Answers are forgotten by slabs, the oldest first. */
const SLABS = 8

/** Bytes of answers that came one after the other. They stay outside the heap, where the collector need not move them. */
interface Slab {
  readonly bytes: Buffer
  /** Bytes of answers in it. */
  end: number
  /** With what they take elsewhere. */
  charged: number
  keys: string[]
}

/** A store of answers for one state of configuration and world; `clear` it when either changes. */
export class ReviewMemo<Outcome> {
  readonly #answers = new Map<string, Remembered<Outcome>>()
  /** The oldest first; answers are added to the last. */
  readonly #slabs: Slab[] = []
  readonly #slabBytes: number
  readonly #checkEvery: number
  #hits = 0

  constructor({ maxBytes = DEFAULT_MAX_BYTES, checkEvery = DEFAULT_CHECK_EVERY }: MemoOptions = {}) {
    this.#checkEvery = checkEvery
    this.#slabBytes = Math.floor(maxBytes / SLABS)
  }

  find(print: Fingerprint): Remembered<Outcome> | undefined {
    return this.#answers.get(print.key)
  }

  /** Whether the hit just found is one of the sample that is computed again. */
  isCheckDue(): boolean {
    if (this.#checkEvery === 0) return false
    this.#hits = (this.#hits + 1) % this.#checkEvery
    return this.#hits === 0
  }

  /** Keeps an answer that is laid out as ours are for admission.k8s.io/v1. The outcome is kept as JSON would keep it. */
  remember(print: Fingerprint, answer: Answer, outcome: Outcome): void {
    const windows = windowsOf(print, answer)
    if (windows === undefined) return
    const outcomeJson = JSON.stringify(outcome)
    const length = Buffer.byteLength(answer.text)
    const places = windows.reduce((sum, window) => sum + window.places.length, 0)
    // V8 keeps up to two bytes a character.
    const texts = 2 * (outcomeJson.length + print.key.length)
    const slab = this.#slabFor(length + texts + places * PLACE_BYTES + ENTRY_OVERHEAD_BYTES)
    if (slab === undefined) return
    const start = slab.end
    slab.end += slab.bytes.write(answer.text, start)
    slab.keys.push(print.key)
    // The outcome's texts may be slices, which would keep the whole of what they were cut from.
    const copy = JSON.parse(outcomeJson) as Outcome
    this.#answers.set(print.key, { outcome: copy, volume: print.volume, slab, start, end: slab.end, windows })
  }

  clear(): void {
    this.#answers.clear()
    for (const slab of this.#slabs) empty(slab)
  }

  get size(): number {
    return this.#answers.size
  }

  /** Of the answers and of what is needed to find them. */
  get bytes(): number {
    return this.#slabs.reduce((sum, { charged }) => sum + charged, 0)
  }

  /** A slab with room for that much; undefined where no slab has so much. */
  #slabFor(bytes: number): Slab | undefined {
    if (bytes > this.#slabBytes) return undefined
    const last = this.#slabs.at(-1)
    const slab = last !== undefined && last.charged + bytes <= this.#slabBytes ? last : this.#nextSlab()
    slab.charged += bytes
    return slab
  }

  #nextSlab(): Slab {
    const oldest = this.#slabs.length < SLABS ? undefined : this.#slabs.shift()
    const slab = oldest ?? { bytes: Buffer.allocUnsafeSlow(this.#slabBytes), end: 0, charged: 0, keys: [] }
    for (const key of slab.keys) if (this.#answers.get(key)?.slab === slab) this.#answers.delete(key)
    empty(slab)
    this.#slabs.push(slab)
    return slab
  }
}

function empty(slab: Slab): void {
  slab.end = slab.charged = 0
  slab.keys = []
}

/** The answer for the review with this fingerprint. */
export function recall<Outcome>(remembered: Remembered<Outcome>, print: Fingerprint): Buffer {
  const { slab, start, end, windows, volume } = remembered
  const answer = Buffer.allocUnsafe(end - start)
  slab.bytes.copy(answer, 0, start, end)
  answer.write(print.uid, ANSWER_HEAD.length, 'latin1')
  if (print.volume === volume) return answer
  const suffix = print.volume.slice(-SUFFIX_LENGTH)
  for (const { bytes, suffixAt, places } of windows) {
    bytes.write(suffix, suffixAt, 'latin1')
    const base64 = bytes.toString('base64')
    for (const place of places) answer.write(base64, place, 'latin1')
  }
  return answer
}

/** Undefined for an answer that cannot be given to other reviews. */
function windowsOf(print: Fingerprint, { text, patchJson }: Answer): Window[] | undefined {
  const start = ANSWER_HEAD + print.uid
  if (!text.startsWith(start)) return undefined
  if (print.volume === '') return []
  // A message that quotes the volume's name is wrong for every other volume.
  if (patchJson === undefined) return text.includes(print.volume) ? undefined : []
  if (!text.startsWith(PATCH_HEAD, start.length)) return undefined
  return findWindows(Buffer.from(patchJson), print.volume, start.length + PATCH_HEAD.length)
}

const GROUP_BYTES = 3
const GROUP_TEXT = 4

function findWindows(patch: Buffer, volume: string, base64At: number): Window[] {
  const windows = new Map<string, { bytes: Buffer; suffixAt: number; places: number[] }>()
  const name = Buffer.from(volume)
  for (let at = patch.indexOf(name); at >= 0; at = patch.indexOf(name, at + name.length)) {
    const suffix = at + name.length - SUFFIX_LENGTH
    const first = Math.floor(suffix / GROUP_BYTES)
    const afterLast = Math.ceil((suffix + SUFFIX_LENGTH) / GROUP_BYTES)
    const bytes = patch.subarray(first * GROUP_BYTES, afterLast * GROUP_BYTES)
    const place = base64At + first * GROUP_TEXT
    const key = bytes.toString('latin1')
    const known = windows.get(key)
    if (known !== undefined) known.places.push(place)
    else windows.set(key, { bytes: Buffer.from(bytes), suffixAt: suffix - first * GROUP_BYTES, places: [place] })
  }
  return [...windows.values()]
}

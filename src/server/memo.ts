/**
 * Answers to repeated reviews. The pods of one ReplicaSet arrive as the same bytes but for the review's uid, the time in
 * their managed fields and the random suffix of the volume `kube-api-access-xxxxx`; identical bytes get an identical
 * answer, so nothing needs to be parsed to find it again.
 */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** What a review has in common with those that get the same answer, and the two texts in which it differs. */
export interface Fingerprint {
  /** SHA-256 over path and body without uid, with the volume's name and the time of managed fields blanked out. */
  readonly key: string
  readonly uid: string
  /** Full name of the service account volume, `kube-api-access-xxxxx`; empty if the pod has none or uses the name for more. */
  readonly volume: string
}

/** What is remembered of an answer. */
export interface Remembered<Outcome> {
  readonly outcome: Outcome
  /** Name of the service account volume in the review that was computed. */
  readonly volume: string
  /** JSON of the patch, if it repeats the volume's name and so must be rewritten for each review. */
  readonly patchJson?: string
  /** The answer after the uid, ready to be sent; with `patchJson` up to the patch's first character. */
  readonly tail: string
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

const REQUEST_HEAD = Buffer.from('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"')
const ANSWER_HEAD = '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"'
const ANSWER_END = '","patchType":"JSONPatch"}}'
const UID_BYTES = 36
const UID = /^[0-9a-f-]{36}"$/
const VOLUME_PREFIX = 'kube-api-access-'
const VOLUME = /\{"name":"(kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5})","projected":\{/
/** Not a name any volume can have. */
const BLANK_VOLUME = `${VOLUME_PREFIX}*****`
/** What follows the name where it only says which volume: in the volume and in its mounts. No map of texts looks so. */
const VOLUME_USES = ['","projected":{', '","readOnly":true,"mountPath":"', '","mountPath":"']
/** Injection never looks at managed fields; their time is all that differs in them between pods of one ReplicaSet. */
const MANAGED_TIME =
  /("managedFields":\[\{"manager":"[^"\\]*","operation":"[A-Za-z]+","apiVersion":"v1","time":")[^"\\]{20}"/
/** Key, entry and bookkeeping of one answer besides its texts. */
const ENTRY_OVERHEAD_BYTES = 512
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
const DEFAULT_CHECK_EVERY = 100

/**
 * What identifies a review's answer, or undefined for a body that is not laid out as the API server writes it: such
 * a review is simply computed.
 */
export function fingerprint(body: Buffer, path: string): Fingerprint | undefined {
  const uidEnd = REQUEST_HEAD.length + UID_BYTES
  if (body.length <= uidEnd || REQUEST_HEAD.compare(body, 0, REQUEST_HEAD.length) !== 0) return undefined
  const uid = body.toString('latin1', REQUEST_HEAD.length, uidEnd + 1)
  if (!UID.test(uid)) return undefined
  const text = body.toString('latin1', uidEnd).replace(MANAGED_TIME, '$1*"')
  const name = VOLUME.exec(text)?.[1] ?? ''
  const blanked = name === '' ? undefined : withoutVolume(text, name)
  const hash = createHash('sha256')
  hash.update(`${path}\n${blanked === undefined ? 'plain' : 'volume'}\n`).update(blanked ?? text, 'latin1')
  return { key: hash.digest('base64'), uid: uid.slice(0, UID_BYTES), volume: blanked === undefined ? '' : name }
}

/** A store of answers for one state of configuration and world; `clear` it when either changes. */
export class ReviewMemo<Outcome> {
  readonly #answers: LRUCache<string, Remembered<Outcome>>
  readonly #checkEvery: number
  #hits = 0

  constructor({ maxBytes = DEFAULT_MAX_BYTES, checkEvery = DEFAULT_CHECK_EVERY }: MemoOptions = {}) {
    this.#checkEvery = checkEvery
    this.#answers = new LRUCache({ maxSize: maxBytes, sizeCalculation: bytesOf })
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

  remember(print: Fingerprint, answer: Answer, outcome: Outcome): void {
    const remembered = rememberedOf(print, answer, outcome)
    if (remembered !== undefined) this.#answers.set(print.key, remembered)
  }

  clear(): void {
    this.#answers.clear()
  }

  get size(): number {
    return this.#answers.size
  }

  get bytes(): number {
    return this.#answers.calculatedSize
  }
}

/** The answer's text for the review with this fingerprint. */
export function recall<Outcome>({ tail, volume, patchJson }: Remembered<Outcome>, print: Fingerprint): string {
  const start = ANSWER_HEAD + print.uid + tail
  if (patchJson === undefined) return start
  const patch = print.volume === volume ? patchJson : patchJson.replaceAll(volume, print.volume)
  return start + Buffer.from(patch).toString('base64') + ANSWER_END
}

/** Undefined for an answer that is not laid out as ours are for admission.k8s.io/v1. */
function rememberedOf<Outcome>(print: Fingerprint, answer: Answer, outcome: Outcome): Remembered<Outcome> | undefined {
  const start = ANSWER_HEAD + print.uid
  if (!answer.text.startsWith(start)) return undefined
  const { patchJson } = answer
  const tail = answer.text.slice(start.length)
  if (patchJson === undefined || print.volume === '' || !patchJson.includes(print.volume)) {
    // A message that quotes the volume's name is wrong for every other volume.
    return print.volume !== '' && tail.includes(print.volume)
      ? undefined
      : { outcome, volume: print.volume, tail: copied(tail) }
  }
  const patchBase64Length = tail.length - ANSWER_END.length - (tail.lastIndexOf('"patch":"') + '"patch":"'.length)
  return {
    outcome,
    volume: print.volume,
    patchJson,
    tail: copied(tail.slice(0, tail.length - ANSWER_END.length - patchBase64Length)),
  }
}

/**
 * The text with the volume's name blanked out; undefined where the name is found in any other place than the volume and
 * its mounts: a label's text, say, may be cut or sorted on its way into the answer.
 */
function withoutVolume(text: string, name: string): string | undefined {
  let blanked = ''
  let from = 0
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, from)) {
    const end = at + name.length
    if (!text.endsWith('{"name":"', at) || !VOLUME_USES.some((use) => text.startsWith(use, end))) return undefined
    blanked += text.slice(from, at) + BLANK_VOLUME
    from = end
  }
  return blanked + text.slice(from)
}

function bytesOf<Outcome>({ tail, patchJson = '', outcome }: Remembered<Outcome>): number {
  return bytesOfText(tail) + bytesOfText(patchJson) + bytesOfText(JSON.stringify(outcome)) + ENTRY_OVERHEAD_BYTES
}

/** V8 keeps two bytes for each character of a text that is not Latin-1. */
function bytesOfText(text: string): number {
  return /[^\0-\xff]/.test(text) ? text.length * 2 : text.length
}

/** A text of its own: a slice would keep all of the text it was cut from. */
function copied(slice: string): string {
  return Buffer.from(slice).toString()
}

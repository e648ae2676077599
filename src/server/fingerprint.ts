/**
 * What reviews with the same answer have in common. The pods of one ReplicaSet arrive as the same bytes but for the
 * review's uid, the time in their managed fields and the random suffix of the volume `kube-api-access-xxxxx`; identical
 * bytes get an identical answer, so nothing needs to be parsed to find it again.
 *
 * The pod's name counts, although injection mostly does not look at it: templates read it as `DeploymentMeta.Name` of
 * a pod without a controller, and may read `ObjectMeta.Name` of any. Leaving it out where they do not would find no
 * answer more: pods of ReplicaSets, DaemonSets and Jobs have no name yet when they are reviewed, those of StatefulSets
 * carry theirs in `hostname`, labels and claims too.
 */
import { createCipheriv, createHash, generateKeySync } from 'node:crypto'

/** What a review has in common with those that get the same answer, and the two texts in which it differs. */
export interface Fingerprint {
  /** Of the body without uid, with the volume's suffix and the time of managed fields blanked out, and of the path. */
  readonly key: string
  readonly uid: string
  /** Full name of the service account volume, `kube-api-access-xxxxx`; empty if the pod has none or uses the name for more. */
  readonly volume: string
}

/** Characters at the end of the volume's name that are drawn at random. */
export const SUFFIX_LENGTH = 5

const REQUEST_HEAD = Buffer.from('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"')
const UID_LENGTH = 36
const UID = /^[0-9a-f-]{36}"$/
const BEFORE_VOLUME = Buffer.from('{"name":"kube-api-access-')
const PREFIX_LENGTH = BEFORE_VOLUME.length - '{"name":"'.length
const VOLUME = /^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}","projected":\{$/
const VOLUME_LENGTH = PREFIX_LENGTH + SUFFIX_LENGTH
const AFTER_VOLUME = '","projected":{'
/** What follows the name where it only says which volume: in the volume and in its mounts. No map of texts looks so. */
const VOLUME_USES = [AFTER_VOLUME, '","readOnly":true,"mountPath":"', '","mountPath":"'].map((text) =>
  Buffer.from(text),
)
/** Injection never looks at managed fields; their time is all that differs in them between pods of one ReplicaSet. */
const MANAGED_FIELDS = Buffer.from('"managedFields":[{"manager":"')
const MANAGED_TIME = /^[^"\\]*","operation":"[A-Za-z]+","apiVersion":"v1","time":"(?=[^"\\]{20}")/
/** What stands between the manager's name and the time is shorter. */
const MAX_MANAGED = 512
const TIME_LENGTH = 20

/**
 * What identifies a review's answer, or undefined for a body that is not laid out as the API server writes it: such
 * a review is simply computed.
 */
export function fingerprint(body: Buffer, path: string): Fingerprint | undefined {
  const uidEnd = REQUEST_HEAD.length + UID_LENGTH
  if (body.length <= uidEnd || REQUEST_HEAD.compare(body, 0, REQUEST_HEAD.length) !== 0) return undefined
  const uid = body.toString('latin1', REQUEST_HEAD.length, uidEnd + 1)
  if (!UID.test(uid)) return undefined
  const volume = volumeOf(body, uidEnd)
  const suffixes = volume === '' ? [] : suffixesOf(volume, body, uidEnd)
  const isBlanked = suffixes.length > 0
  const digest = digestWithout(body, { from: uidEnd, suffixes, time: timeOf(body, uidEnd) })
  return {
    key: `${digest} ${isBlanked ? 'volume' : 'plain'} ${path}`,
    uid: uid.slice(0, UID_LENGTH),
    volume: isBlanked ? volume : '',
  }
}

function volumeOf(body: Buffer, from: number): string {
  let at = body.indexOf(BEFORE_VOLUME, from)
  for (; at >= 0; at = body.indexOf(BEFORE_VOLUME, at + BEFORE_VOLUME.length)) {
    const start = at + BEFORE_VOLUME.length - PREFIX_LENGTH
    const name = body.toString('latin1', start, start + VOLUME_LENGTH + AFTER_VOLUME.length)
    if (VOLUME.test(name)) return name.slice(0, VOLUME_LENGTH)
  }
  return ''
}

/**
 * Where the suffix stands in each use of the volume's name; nowhere if the name is found in any other place than the
 * volume and its mounts: a label's text, say, may be cut or sorted on its way into the answer.
 */
function suffixesOf(volume: string, body: Buffer, from: number): number[] {
  const name = Buffer.from(volume)
  const suffixes: number[] = []
  for (let at = body.indexOf(name, from); at >= 0; at = body.indexOf(name, at + VOLUME_LENGTH)) {
    const start = at + PREFIX_LENGTH - BEFORE_VOLUME.length
    if (!standsAt(body, BEFORE_VOLUME, start)) return []
    if (!VOLUME_USES.some((use) => standsAt(body, use, at + VOLUME_LENGTH))) return []
    suffixes.push(at + PREFIX_LENGTH)
  }
  return suffixes
}

function standsAt(body: Buffer, text: Buffer, at: number): boolean {
  const end = at + text.length
  return at >= 0 && end <= body.length && body.compare(text, 0, text.length, at, end) === 0
}

/** Where the time of the first managed field stands; -1 where there is none. */
function timeOf(body: Buffer, from: number): number {
  const at = body.indexOf(MANAGED_FIELDS, from)
  if (at < 0) return -1
  const start = at + MANAGED_FIELDS.length
  const before = MANAGED_TIME.exec(body.toString('latin1', start, start + MAX_MANAGED))?.[0]
  return before === undefined ? -1 : start + before.length
}

interface Blanks {
  readonly from: number
  readonly suffixes: readonly number[]
  readonly time: number
}

/** Digest of the body with blanks in it, which are put there for the moment: a copy would cost as much as the digest. */
function digestWithout(body: Buffer, { from, suffixes, time }: Blanks): string {
  const [first = 0] = suffixes
  const suffix = body.toString('latin1', first, first + SUFFIX_LENGTH)
  const timeText = time < 0 ? '' : body.toString('latin1', time, time + TIME_LENGTH)
  for (const at of suffixes) body.fill(BLANK, at, at + SUFFIX_LENGTH)
  if (time >= 0) body.fill(BLANK, time, time + TIME_LENGTH)
  const digest = digestOf(body.subarray(from))
  for (const at of suffixes) body.write(suffix, at, 'latin1')
  if (time >= 0) body.write(timeText, time, 'latin1')
  return digest
}

/** An asterisk, which no suffix and no time has. */
const BLANK = 0x2a

/** Of this process alone, and nobody ever sees a digest. */
const KEY = generateKeySync('aes', { length: 128 })
const NONCE = Buffer.alloc(12)

/** From that length on GMAC is faster than SHA-256; before, setting it up costs more than it spares. */
const LONG = 8192

/**
 * GMAC (NIST SP 800-38D) for long texts: without the key nobody can make two texts with the same digest. One nonce does
 * since digests stay here.
 */
function digestOf(bytes: Buffer): string {
  if (bytes.length < LONG) return createHash('sha256').update(bytes).digest('base64')
  const cipher = createCipheriv('aes-128-gcm', KEY, NONCE).setAAD(bytes)
  cipher.final()
  return cipher.getAuthTag().toString('base64')
}

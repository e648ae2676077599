/** AdmissionReview in and out: bytes to a request, an outcome to bytes. */

/** Deepest nesting of arrays and objects a review may have; a pod has about 15. */
export const MAX_DEPTH = 200
/** Go's limit, which istiod has; such a body is not read at all. */
const MAX_DEPTH_READ = 10_000
/** Longest piece of the caller's body that an error text repeats. */
const MAX_ECHO = 256

const REVIEW_KIND = 'AdmissionReview'
const REVIEW_VERSIONS: ReadonlySet<string> = new Set(['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'])
/** istiod: its decoder knows core/v1 too, so these are "unsupported" where other kinds are "not registered". */
const CORE_KINDS: ReadonlySet<string> = new Set(
  [
    'Binding ComponentStatus ConfigMap Endpoints Event LimitRange List Namespace Node PersistentVolume',
    'PersistentVolumeClaim Pod PodTemplate RangeAllocation ReplicationController ResourceQuota Secret',
    'SerializedReference Service ServiceAccount Status',
  ].flatMap((line) => line.split(' ').flatMap((kind) => [kind, `${kind}List`])),
)

/** A request, with what injection needs of it already taken out. */
export interface ReviewRequest {
  readonly uid: string
  /** Empty when the request has none. */
  readonly namespace: string
  /** `request.object` as it was parsed; undefined when there is none. */
  readonly object: unknown
  /** All of it as it was parsed; nothing but the above has been looked at. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Which review an answer belongs to. Without kind and apiVersion the answer has neither, as istiod's. */
export interface ReviewHead {
  readonly apiVersion?: string
  readonly uid: string
}

export type DecodedReview =
  | { readonly ok: true; readonly head: ReviewHead; readonly request: ReviewRequest }
  | { readonly ok: false; readonly head: ReviewHead; readonly message: string }

/** What an answer says. */
export type Verdict =
  | {
      readonly allowed: true
      /** Text of a list of RFC 6902 operations. */
      readonly patchJson?: string
      readonly warnings?: readonly string[]
    }
  | {
      readonly allowed: false
      readonly message: string
      /** Kubernetes: `Status.details.causes`. */
      readonly causes?: readonly object[]
    }

/**
 * Reads a review. Everything wrong with it is a denial in waiting, never an exception.
 * istiod: texts are those of Kubernetes' universal decoder; where istiod panics (no request) it is a denial here.
 */
export function decodeReview(body: Buffer): DecodedReview {
  const depth = depthOf(body)
  if (depth > MAX_DEPTH_READ) return undecodable("couldn't get version/kind; json parse error: exceeded max depth")
  let review: unknown
  try {
    review = parseJson(body.toString('utf8'))
  } catch (err) {
    return undecodable(`couldn't get version/kind; json parse error: ${cut((err as SyntaxError).message)}`)
  }
  const problem = kindProblem(review, body)
  if (problem !== undefined) return undecodable(problem)
  return decodeRequest(review as { apiVersion: string; request?: unknown }, depth)
}

/** Half of a surrogate pair, spelt as an escape; UTF-8 itself cannot hold one. */
const SURROGATE_ESCAPE = /\\u[dD][89abABcdefCDEF]/

/** istiod: Go reads a lone surrogate as U+FFFD; JSON.parse would keep it, and nothing after it expects one. */
function parseJson(text: string): unknown {
  if (!SURROGATE_ESCAPE.test(text)) return JSON.parse(text)
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'string' ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value,
  )
}

/**
 * The answer's JSON, fields in istiod's order.
 * istiod: a denial carries the message and an empty `status.metadata`, no code and no reason.
 */
export function encodeReview({ apiVersion, uid }: ReviewHead, verdict: Verdict): string {
  const type = apiVersion === undefined ? '' : `"kind":"${REVIEW_KIND}","apiVersion":"${apiVersion}",`
  const start = `{${type}"response":{"uid":${JSON.stringify(uid)},"allowed":`
  if (!verdict.allowed) {
    const { message, causes = [] } = verdict
    const details = causes.length === 0 ? '' : `,"details":{"causes":${JSON.stringify(causes)}}`
    return `${start}false,"status":{"metadata":{},"message":${JSON.stringify(message)}${details}}}}`
  }
  const { patchJson, warnings = [] } = verdict
  const end = warnings.length === 0 ? '}}' : `,"warnings":${JSON.stringify(warnings.map(oneLine))}}}`
  if (patchJson === undefined) return `${start}true${end}`
  const patchBase64 = Buffer.from(patchJson).toString('base64')
  return `${start}true,"patch":"${patchBase64}","patchType":"JSONPatch"${end}`
}

/** Kubernetes: a warning becomes a header, and one with control characters is dropped. */
function oneLine(warning: string): string {
  return warning.replaceAll(/\p{Cc}+/gu, ' ')
}

function undecodable(message: string): DecodedReview {
  return { ok: false, head: { uid: '' }, message }
}

/** Why Kubernetes' decoder would not take it for a review, or undefined. */
function kindProblem(review: unknown, body: Buffer): string | undefined {
  if (!isObject(review)) {
    if (review === null) return `Object 'Kind' is missing in 'null'`
    return `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(review)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`
  }
  const { kind = '', apiVersion = '' } = review
  for (const [name, value] of Object.entries({ apiVersion, kind })) {
    if (value === null || typeof value === 'string') continue
    return `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(value)} into Go struct field .${name} of type string`
  }
  const echo = (): string => cut(body.toString('utf8', 0, MAX_ECHO + 1))
  if (kind === '' || kind === null) return `Object 'Kind' is missing in '${echo()}'`
  if (apiVersion === '' || apiVersion === null) return `Object 'apiVersion' is missing in '${echo()}'`
  return registrationProblem(kind as string, apiVersion as string)
}

function registrationProblem(kind: string, apiVersion: string): string | undefined {
  if (kind === REVIEW_KIND && REVIEW_VERSIONS.has(apiVersion)) return undefined
  if (apiVersion.split('/').length > 2) {
    return `couldn't get version/kind; json parse error: unexpected GroupVersion string: ${cut(apiVersion)}`
  }
  if (apiVersion === 'v1' && CORE_KINDS.has(kind)) return `unsupported type :${kind}`
  return `no kind "${cut(kind)}" is registered for version "${cut(apiVersion)}" in scheme "mesh-admission"`
}

function decodeRequest(review: { apiVersion: string; request?: unknown }, depth: number): DecodedReview {
  const { apiVersion, request } = review
  if (request === undefined || request === null) {
    return { ok: false, head: { apiVersion, uid: '' }, message: 'AdmissionReview has no request' }
  }
  if (!isObject(request)) return undecodable(wrongKind(request, 'AdmissionReview.request', 'v1.AdmissionRequest'))
  for (const [name, type] of REQUEST_TEXTS) {
    const value = request[name]
    if (value === undefined || value === null || typeof value === 'string') continue
    return undecodable(wrongKind(value, `AdmissionRequest.request.${name}`, type))
  }
  const uid = text(request.uid)
  const head = { apiVersion, uid }
  if (depth > MAX_DEPTH) return { ok: false, head, message: `exceeded max depth of ${MAX_DEPTH}` }
  const object = request.object ?? undefined
  return { ok: true, head, request: { uid, namespace: text(request.namespace), object, fields: request } }
}

/** Texts of a request that we use, with the Go type an error names. */
const REQUEST_TEXTS = [
  ['uid', 'types.UID'],
  ['name', 'string'],
  ['namespace', 'string'],
] as const

function wrongKind(value: unknown, field: string, type: string): string {
  return `json: cannot unmarshal ${goKind(value)} into Go struct field ${field} of type ${type}`
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function cut(value: string): string {
  return value.length <= MAX_ECHO ? value : `${value.slice(0, MAX_ECHO)}...`
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Deepest nesting of brackets outside strings. Counted before parsing, because JSON.parse takes a million levels and
 * everything after it that recurses would overflow the stack.
 */
function depthOf(body: Buffer): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < body.length; i++) {
    const byte = body[i] as number
    if (inString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) {
      inString = true
    } else if ((byte | 0x20) === 0x7b) {
      // Bit 5 turns `[` and `]` into `{` and `}`, and nothing else of JSON into either.
      if (++depth > deepest) deepest = depth
    } else if ((byte | 0x20) === 0x7d) {
      depth--
    }
  }
  return deepest
}

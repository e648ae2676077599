/** Random pods: ones a user might write, ones that only an attacker would, and ones that were damaged on the way. */
import fc from 'fast-check'

export type JsonObject = Record<string, unknown>

/** Fields that no API version of today knows, as they stand in every object of a random pod. */
export const FUTURE_FIELD = 'futureField'

const optional = <T>(arbitrary: fc.Arbitrary<T>, freq = 3): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq })

/** Members that are undefined are left out, as JSON does. */
function objectOf(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonObject> {
  return fc
    .record(members)
    .map((object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)))
}

/** The service account's volume, as the API server adds it. */
export const TOKEN_VOLUME = 'kube-api-access-bcdfg'
/** Now and then a text is that volume's name. */
const seldom = (arbitrary: fc.Arbitrary<string>, looksLikeVolume = TOKEN_VOLUME): fc.Arbitrary<string> =>
  fc.oneof({ weight: 30, arbitrary }, { weight: 1, arbitrary: fc.constant(looksLikeVolume) })

const appName = seldom(fc.constantFrom('app', 'web', 'worker', 'istio', 'a'))
const port = fc.constantFrom<number | string>(80, 8080, 15020, 'http', 'none')
const text = seldom(
  fc.constantFrom('', 'x', 'a b', 'a"b', 'ä\u2028', '$(POD_NAME)', '{{ .Values }}'),
  `mounts ${TOKEN_VOLUME}`,
)

const action = fc.oneof(
  objectOf({
    httpGet: objectOf({ path: optional(text), port, scheme: optional(fc.constantFrom('HTTP', 'HTTPS')) }),
  }),
  objectOf({ tcpSocket: objectOf({ port }) }),
  objectOf({ exec: fc.constant({ command: ['true'] }) }),
)
const probe = fc
  .tuple(
    fc.oneof(action, objectOf({ grpc: objectOf({ port: fc.constantFrom(9000, 15020), service: optional(text) }) })),
    optional(fc.integer({ min: 0, max: 9 })),
  )
  .map(([handler, timeoutSeconds]) => ({ ...handler, ...(timeoutSeconds !== undefined && { timeoutSeconds }) }))

const env = fc.uniqueArray(objectOf({ name: fc.constantFrom('A', 'B', 'ISTIO_META_NETWORK', 'LONG'), value: text }), {
  selector: ({ name }) => name,
  maxLength: 3,
})
const resources = fc.constantFrom({}, { requests: { cpu: '100m' } }, { limits: { cpu: '2', memory: '1Gi' } })
const ports = fc.constantFrom(
  [{ containerPort: 8080, name: 'http' }],
  [
    { containerPort: 53, protocol: 'UDP' },
    { containerPort: 53, protocol: 'TCP' },
  ],
)

const container = (name: fc.Arbitrary<string>): fc.Arbitrary<JsonObject> =>
  objectOf({
    name,
    image: fc.constantFrom('app:1', 'app:2', 'auto'),
    env: optional(env),
    ports: optional(ports),
    resources,
    readinessProbe: optional(probe),
    livenessProbe: optional(probe),
    lifecycle: optional(objectOf({ preStop: action })),
  })

const proxyOverride = objectOf({
  name: fc.constant('istio-proxy'),
  image: fc.constantFrom('auto', 'mine:1'),
  resources: fc.constant({ limits: { cpu: '300m' } }),
  args: optional(fc.constant(['own'])),
  env: optional(env),
})

const byName = { selector: (one: JsonObject): unknown => one.name }
const labels = objectOf({
  app: optional(text),
  name: optional(seldom(fc.constant('web'))),
  'sidecar.istio.io/inject': optional(fc.constantFrom('true', 'false', '', 'yes'), 9),
  'service.istio.io/canonical-name': optional(
    seldom(fc.constant('c'.repeat(70)), `${'c'.repeat(45)}-${TOKEN_VOLUME}`),
    6,
  ),
  'topology.istio.io/network': optional(fc.constantFrom('', 'n2'), 6),
})
const annotations = objectOf({
  'sidecar.istio.io/nativeSidecar': optional(fc.constantFrom('true', 'false'), 5),
  'sidecar.istio.io/interceptionMode': optional(fc.constantFrom('REDIRECT', 'TPROXY', 'NONE'), 5),
  'sidecar.istio.io/rewriteAppHTTPProbers': optional(fc.constantFrom('false', 'maybe'), 6),
  'sidecar.istio.io/proxyCPU': optional(seldom(fc.constant('150m')), 9),
  'inject.istio.io/templates': optional(fc.constantFrom('sidecar', 'gateway', 'grpc-agent', 'none'), 9),
  'prometheus.io/port': optional(fc.constantFrom('8080', '15020', 'metrics'), 5),
  'proxy.istio.io/config': optional(
    fc.constantFrom('holdApplicationUntilProxyStarts: true', 'proxyMetadata: {FOO: bar}', 'concurrency: x'),
    5,
  ),
  'traffic.sidecar.istio.io/includeInboundPorts': optional(fc.constantFrom('*', '', '80', '80,'), 6),
  note: optional(text),
})

const metadata = objectOf({
  generateName: optional(fc.constantFrom('web-', 'web-7d9f-'), 2),
  name: optional(seldom(fc.constant('web-1')), 2),
  namespace: optional(fc.constantFrom('shop', 'kube-system'), 4),
  labels: optional(labels, 5),
  annotations: optional(annotations, 5),
  ownerReferences: optional(
    fc.constant([{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d9f', uid: 'u', controller: true }]),
  ),
})

const TOKEN_MOUNT = { name: TOKEN_VOLUME, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
const tokenVolume = (name: string): JsonObject => ({
  name,
  projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }], defaultMode: 420 },
})
const volumeSets = fc.constantFrom<JsonObject[]>(
  [tokenVolume(TOKEN_VOLUME)],
  [{ name: 'data', emptyDir: {} }, tokenVolume(TOKEN_VOLUME)],
  [tokenVolume(TOKEN_VOLUME), tokenVolume('kube-api-access-zz245')],
)

const spec = fc
  .record({
    volumes: optional(volumeSets, 6),
    apps: fc.uniqueArray(container(appName), { ...byName, minLength: 1, maxLength: 3 }),
    proxy: optional(proxyOverride, 1),
    init: optional(fc.uniqueArray(container(fc.constantFrom('i1', 'i2')), { ...byName, maxLength: 2 }), 1),
    rest: objectOf({ hostNetwork: optional(fc.constant(true), 1), dnsPolicy: optional(fc.constant('Default'), 2) }),
  })
  .map(({ volumes, apps, proxy, init, rest }) => {
    const mounted = volumes === undefined ? apps : apps.map((app) => ({ ...app, volumeMounts: [TOKEN_MOUNT] }))
    return {
      ...(volumes !== undefined && { volumes }),
      ...(init !== undefined && init.length > 0 && { initContainers: init }),
      containers: proxy === undefined ? mounted : [...mounted, proxy],
      ...rest,
    }
  })

/** Pods that a user might write; some of them are denied or skipped. */
export const randomPod: fc.Arbitrary<JsonObject> = objectOf({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('Pod'),
  metadata,
  spec,
})

/** The pod with a field of the future in each of its objects that has a known type; each says where it stands. */
export function withFutureFields(pod: JsonObject): JsonObject {
  return annotate(pod, '') as JsonObject
}

/** Objects whose members are the user's own names, and handlers, which injection replaces. */
const OPAQUE = /\/(?:labels|annotations|requests|limits|httpGet|tcpSocket|grpc|exec)$/

function annotate(value: unknown, path: string): unknown {
  if (OPAQUE.test(path) || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one: unknown) => annotate(one, path))
  const name = typeof value === 'object' && 'name' in value ? `[${String(value.name)}]` : ''
  const here = `${path}${name}`
  const members = Object.entries(value).map(([key, member]) => [key, annotate(member, `${here}/${key}`)])
  return { ...(Object.fromEntries(members) as JsonObject), [FUTURE_FIELD]: { at: here } }
}

const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 2 ** 53, 1e300, '', 'x', [], {}, [null], [[]], [{}], { a: null }),
  fc.constantFrom(...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":1}}', '{"name":{}}']).map(parsed),
  fc.constant('x'.repeat(100_000)),
  fc.constant('\0\u001b"\\\n---\n- {{ '),
  fc.constantFrom(60, 150).map((depth) => parsed(`${'['.repeat(depth)}${']'.repeat(depth)}`)),
  fc.constantFrom(60, 150).map((depth) => parsed(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)),
)
const hostileKey = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '$patch',
  '$retainKeys',
  '',
)

interface Damage {
  /** Picks the place among all members of the pod. */
  readonly at: number
  readonly kind: 'replace' | 'insert' | 'case'
  readonly key: string
  readonly value: unknown
}

const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('replace', 'replace', 'insert', 'case'),
  key: hostileKey,
  value: hostileValue,
})

/** Pods with one to five members that are not what they should be. */
export const hostilePod: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 1, arbitrary: hostileValue },
  {
    weight: 9,
    arbitrary: fc
      .tuple(randomPod, fc.array(damage, { minLength: 1, maxLength: 5 }))
      .map(([pod, damages]) => damages.reduce(damaged, JSON.parse(JSON.stringify(pod)) as JsonObject)),
  },
)

function damaged(pod: JsonObject, { at, kind, key, value }: Damage): JsonObject {
  const places = placesIn(pod)
  const place = places[at % places.length]
  if (place === undefined) return pod
  const { owner, name } = place
  const own = parsed(JSON.stringify(value))
  if (kind === 'replace') put(owner, name, own)
  else if (kind === 'insert') put(owner, Array.isArray(owner) ? name : key, own)
  else if (!Array.isArray(owner)) put(owner, name.toUpperCase(), owner[name])
  return pod
}

interface Place {
  readonly owner: JsonObject | unknown[]
  readonly name: string
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const owner = value as JsonObject | unknown[]
  return Object.entries(owner).flatMap(([name, member]) => [{ owner, name }, ...placesIn(member)])
}

/** As JSON.parse sets it: an own member, whatever its name. */
function put(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { value, configurable: true, enumerable: true, writable: true })
}

function parsed(json: string): unknown {
  return JSON.parse(json)
}

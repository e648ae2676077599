/** Users' settings of containers that a template makes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container, Pod, PodSpec, SecurityContext, StringMap } from '../../src/api/pod.ts'
import { applyOverrides } from '../../src/injection/overrides.ts'

const podOf = (spec: PodSpec, annotations: StringMap = {}): Pod => ({ metadata: { annotations }, spec })
const apply = (
  original: Pod,
  template: PodSpec,
  part: { merged?: Pod; isTproxy?: boolean; reapplies?: boolean } = {},
): Pod =>
  applyOverrides({
    original,
    template: podOf(template),
    merged: part.merged ?? podOf(template),
    isTproxy: part.isTproxy ?? false,
    reappliesFormer: part.reapplies ?? false,
    warn: () => undefined,
  })
const proxy = (part: Container = {}): Container => ({ name: 'istio-proxy', image: 'proxy:1', ...part })
const overridesOf = (pod: Pod): unknown => {
  const text = pod.metadata?.annotations?.['proxy.istio.io/overrides']
  return text === undefined ? undefined : JSON.parse(text)
}

test('overrides: the user’s image wins and is noted', () => {
  const pod = apply(podOf({ containers: [proxy({ image: 'mine:1' })] }), { containers: [proxy()] })
  assert.equal(pod.spec?.containers?.[0]?.image, 'mine:1')
  assert.deepEqual(overridesOf(pod), { containers: [{ name: 'istio-proxy', image: 'mine:1', resources: {} }] })
})

test('overrides: the image "auto" takes the template’s', () => {
  const pod = apply(podOf({ containers: [proxy({ image: 'auto' })] }), { containers: [proxy()] })
  assert.equal(pod.spec?.containers?.[0]?.image, 'proxy:1')
})

test('overrides: a user’s entry of containers meets a native sidecar', () => {
  const pod = apply(podOf({ containers: [proxy({ image: 'mine:1' })] }), { initContainers: [proxy()] })
  assert.equal(pod.spec?.initContainers?.[0]?.image, 'mine:1')
})

test('overrides: a user’s entry of initContainers does not meet an ordinary sidecar', () => {
  const pod = apply(podOf({ initContainers: [proxy({ image: 'mine:1' })] }), { containers: [proxy()] })
  assert.equal(pod.spec?.containers?.[0]?.image, 'proxy:1')
  assert.equal(overridesOf(pod), undefined)
})

test('overrides: what istiod panics of is refused', () => {
  const users = proxy({ securityContext: { runAsUser: 7 } })
  const withInit = (args: readonly string[]): PodSpec => ({
    containers: [proxy()],
    initContainers: [{ name: 'istio-init', args }],
  })
  const merged = (args: readonly string[]): Pod => podOf({ ...withInit(args), containers: [users] })
  const original = podOf({ containers: [users] })
  assert.throws(() => apply(original, withInit([]), { merged: merged(['-u']) }), /expected an argument after -u/)
  assert.throws(
    () => apply(podOf({ initContainers: [users] }), withInit([]), { merged: podOf(withInit([])), isTproxy: true }),
    /expected a runAsUser with TPROXY/,
  )
})

test('overrides: an error says which container could not be applied', () => {
  const withLimits = (limits: StringMap): Container => ({ ...proxy(), resources: { limits } }) as Container
  const users = withLimits({ $retainKeys: '1' })
  const into = (section: 'containers' | 'initContainers') => () =>
    apply(podOf({ containers: [users] }), { [section]: [withLimits({ cpu: '1' })] })
  assert.throws(into('containers'), /^.*failed to apply sidecar container: strategic merge: /)
  assert.throws(into('initContainers'), /^.*failed to apply sidecar init container: strategic merge: /)
})

test('overrides: a second run leaves probes alone that the first one rewrote', () => {
  const noted = { containers: [{ name: 'app', args: ['x'], livenessProbe: { tcpSocket: { port: 1 } } }] }
  const annotations = {
    'sidecar.istio.io/status': '{"containers":["app"]}',
    'proxy.istio.io/overrides': JSON.stringify(noted),
  }
  const livenessProbe = { httpGet: { path: '/app-health/app/livez', port: 15020 } }
  const pod = podOf({ containers: [{ name: 'app', livenessProbe }] }, annotations)
  const [found] = apply(pod, { containers: [{ name: 'app' }] }, { merged: pod, reapplies: true }).spec?.containers ?? []
  assert.deepEqual(found?.livenessProbe, livenessProbe)
  assert.deepEqual(found.args, ['x'])
})

test('overrides: containers of one name come together', () => {
  const users = { containers: [proxy(), { name: 'b' }, proxy({ image: 'second:1' })] }
  const pod = apply(podOf(users), { initContainers: [proxy()] }, { merged: podOf(users) })
  assert.deepEqual(
    pod.spec?.containers?.map(({ name }) => name),
    ['istio-proxy', 'istio-proxy', 'b'],
  )
})

test('overrides: a user id adds no arguments to an init container without any', () => {
  const users = proxy({ securityContext: { runAsUser: 7 } })
  const pod = apply(podOf({ containers: [users] }), { containers: [proxy()], initContainers: [{ name: 'istio-init' }] })
  assert.deepEqual(pod.spec?.initContainers, [{ name: 'istio-init' }])
})

test('overrides: environment is merged by name, arguments are replaced', () => {
  const users = proxy({ args: ['x'], env: [{ name: 'A', value: '2' }] })
  const template = proxy({
    args: ['a', 'b'],
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '1' },
    ],
  })
  const [found] = apply(podOf({ containers: [users] }), { containers: [template] }).spec?.containers ?? []
  assert.deepEqual(found?.args, ['x'])
  assert.deepEqual(found?.env, [
    { name: 'A', value: '2' },
    { name: 'B', value: '1' },
  ])
})

const INJECTED = { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' }
const NOTED = { 'proxy.istio.io/overrides': '{"containers":[{"name":"istio-proxy","image":"noted:1"}]}' }
const AGAIN: { name: string; annotations: StringMap; reapplies?: boolean; want: string }[] = [
  { name: 'what a former run listed is the template’s again', annotations: { ...INJECTED, ...NOTED }, want: 'proxy:1' },
  {
    name: 'unless the former overrides are to be kept',
    annotations: { ...INJECTED, ...NOTED },
    reapplies: true,
    want: 'noted:1',
  },
  { name: 'noted overrides win over the pod’s own container', annotations: NOTED, want: 'noted:1' },
]
for (const { name, annotations, reapplies = false, want } of AGAIN) {
  test(`overrides: ${name}`, () => {
    const original = podOf({ containers: [proxy({ image: 'mine:1' })] }, annotations)
    const pod = apply(original, { containers: [proxy()] }, { reapplies })
    assert.equal(pod.spec?.containers?.[0]?.image, want)
  })
}

const init = (name: string): Container => ({ name, args: ['-u', '1337', '-u', '5'], securityContext: { runAsUser: 0 } })
const IDS: {
  name: string
  users: SecurityContext
  init: string
  isTproxy?: boolean
  args: string
  initIds: SecurityContext
  uid: number
}[] = [
  {
    name: 'the uid reaches -u',
    users: { runAsUser: 7 },
    init: 'istio-init',
    args: '-u 7 -u 5',
    initIds: { runAsUser: 0 },
    uid: 7,
  },
  {
    name: 'root does not',
    users: { runAsUser: 0 },
    init: 'istio-init',
    args: '-u 1337 -u 5',
    initIds: { runAsUser: 0 },
    uid: 0,
  },
  {
    name: 'istio-validation runs as the user does',
    users: { runAsUser: 7, runAsGroup: 8 },
    init: 'istio-validation',
    args: '-u 7 -u 5',
    initIds: { runAsUser: 7, runAsGroup: 8 },
    uid: 7,
  },
  {
    name: 'with TPROXY the proxy stays root',
    users: { runAsUser: 7 },
    init: 'istio-validation',
    isTproxy: true,
    args: '-u 7 -u 5',
    initIds: { runAsUser: 0 },
    uid: 0,
  },
]
for (const { name, users, init: initName, isTproxy = false, args, initIds, uid } of IDS) {
  test(`overrides: ${name}`, () => {
    const original = podOf({ containers: [proxy({ securityContext: users })] })
    const pod = apply(original, { containers: [proxy()], initContainers: [init(initName)] }, { isTproxy })
    const [found] = pod.spec?.initContainers ?? []
    assert.equal(found?.args?.join(' '), args)
    assert.deepEqual(found?.securityContext, initIds)
    assert.equal(pod.spec?.containers?.[0]?.securityContext?.runAsUser, uid)
  })
}

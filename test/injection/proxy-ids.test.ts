/** OpenShift's id ranges. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod, SecurityContext } from '../../src/api/pod.ts'
import { findSidecar } from '../../src/injection/containers.ts'
import { proxyIdsOf, resetStampedIds } from '../../src/injection/proxy-ids.ts'

const UID = 'openshift.io/sa.scc.uid-range'
const GROUPS = 'openshift.io/sa.scc.supplemental-groups'

const IDS: { name: string; annotations: Record<string, string>; want: [uid: number, gid: number] }[] = [
  { name: 'no annotation gives the default', annotations: {}, want: [1337, 1337] },
  { name: 'start and size', annotations: { [UID]: '1000620000/10000' }, want: [1000629999, 1000629999] },
  { name: 'start and end', annotations: { [UID]: '5-9' }, want: [9, 9] },
  { name: 'groups of their own, the first block', annotations: { [UID]: '5-9', [GROUPS]: '20/3,40/2' }, want: [9, 22] },
  { name: 'one bad block spoils the groups', annotations: { [UID]: '5-9', [GROUPS]: '20/3,x' }, want: [9, 1337] },
  { name: 'trailing garbage is ignored', annotations: { [UID]: '5/2abc' }, want: [6, 6] },
  { name: 'spaces before the numbers are ignored', annotations: { [UID]: ' 5-\t9' }, want: [9, 9] },
  { name: 'line breaks before the numbers are not', annotations: { [UID]: '5/\n7' }, want: [1337, 1337] },
  { name: 'a lone number is no range', annotations: { [UID]: '5' }, want: [1337, 1337] },
  { name: 'an empty group annotation is no fallback', annotations: { [UID]: '5-9', [GROUPS]: '' }, want: [9, 1337] },
]
for (const { name, annotations, want } of IDS) {
  test(`proxy ids: ${name}`, () => {
    const { uid, gid } = proxyIdsOf(annotations)
    assert.deepEqual([uid, gid], want)
  })
}

const podWith = (proxy: SecurityContext, app?: SecurityContext): Pod => ({
  spec: {
    containers: [
      { name: 'istio-proxy', securityContext: proxy },
      { name: 'app', ...(app && { securityContext: app }) },
    ],
  },
})
const RESETS: { name: string; pod: Pod; want: SecurityContext }[] = [
  { name: 'equal uids are cleared', pod: podWith({ runAsUser: 7, runAsGroup: 8 }, { runAsUser: 7 }), want: {} },
  { name: 'other uids stay', pod: podWith({ runAsUser: 6 }, { runAsUser: 7 }), want: { runAsUser: 6 } },
  {
    name: 'of two proxies the last uid is compared',
    pod: {
      spec: {
        containers: [{ name: 'istio-proxy', securityContext: { runAsUser: 0 } }],
        initContainers: [{ name: 'istio-proxy', securityContext: { runAsUser: 7 } }],
      },
    },
    want: { runAsUser: 0 },
  },
  { name: 'with no uid anywhere the gid is cleared', pod: podWith({ runAsGroup: 8 }), want: {} },
]
for (const { name, pod, want } of RESETS) {
  test(`stamped ids: ${name}`, () => assert.deepEqual(findSidecar(resetStampedIds(pod))?.securityContext, want))
}

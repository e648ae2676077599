/** A certificate of others on a real API server: its authority changes without an overlap, and no pod is refused. */
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from 'node:tls'

import type { AuthorityState } from '../../../src/certificates/authority.ts'
import { newAuthorityState } from '../../../src/certificates/authority.ts'
import { issueLeaf, servingNames } from '../../../src/certificates/leaf.ts'
import { bundleIdentity } from '../../../src/certificates/x509.ts'
import { eventually, kubectl, KUBECONFIG, skipWithoutCluster } from '../../support/cluster.ts'
import { describeTally, dryRunIn, startStream } from '../../support/dry-runs.ts'
import { serveLive } from '../../support/live-webhook.ts'

const skip = skipWithoutCluster()
const NAMESPACE = `certificate-files-${process.pid}`
const CALLERS = 4
const folder = mkdtempSync(join(tmpdir(), 'certificate-files-'))
after(() => rmSync(folder, { recursive: true }))

const external = (): AuthorityState => newAuthorityState({ installation: 'external', generation: 1, nowMs: Date.now() })

/** As the kubelet brings a new state of a Secret: another folder, and a link that is swapped. */
function deliver({ signer }: AuthorityState): void {
  const leaf = issueLeaf({ authority: signer, names: servingNames({}), nowMs: Date.now() })
  const target = mkdtempSync(join(folder, '..state-'))
  const texts = { 'tls.crt': leaf.certPem, 'tls.key': leaf.keyPem, 'ca.crt': signer.certificate.pem }
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(target, name), text)
  symlinkSync(target, join(folder, '..new'))
  renameSync(join(folder, '..new'), join(folder, '..data'))
}

async function isServedBy({ signer }: AuthorityState, port: number): Promise<boolean> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: signer.certificate.pem,
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  const { authorized } = socket
  socket.destroy()
  return authorized
}

async function published(): Promise<string> {
  const path = 'jsonpath={.webhooks[0].clientConfig.caBundle}'
  const caBundle = await kubectl(['get', 'mutatingwebhookconfiguration', 'mesh-admission-injector', '-o', path])
  return bundleIdentity(Buffer.from(caBundle, 'base64').toString())
}

test(
  'row 29: an authority of others changes under load, twice, and no pod is refused',
  { skip, timeout: 240_000 },
  async (t) => {
    await kubectl(['create', 'namespace', NAMESPACE])
    await kubectl(['label', 'namespace', NAMESPACE, 'istio-injection=enabled'])
    let before = external()
    deliver(before)
    const files = { tlsCertFile: join(folder, 'tls.crt'), tlsKeyFile: join(folder, 'tls.key') }
    const served = await serveLive({ revision: 'default', istioNamespace: NAMESPACE, ...files })
    try {
      const { port } = served.webhook
      const create = await dryRunIn(NAMESPACE, KUBECONFIG)
      await eventually(async () => 'injected' in (await create()), t.signal)
      const stream = startStream(create, CALLERS)
      for (const next of [external(), external()]) {
        deliver(next)
        await eventually(() => isServedBy(next, port), t.signal)
        const bundle = await published()
        // The newest is first, and the one before it is trusted still.
        assert.ok(bundle.startsWith(bundleIdentity(next.bundlePem + before.bundlePem)))
        before = next
      }
      const tally = await stream.stop()
      t.diagnostic(describeTally(tally))
      assert.deepEqual([tally.refusals, tally.bare], [[], 0])
      assert.ok(tally.injected > 100)
    } finally {
      await served.end()
      await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false'])
    }
  },
)

/** `mesh-admission demo`: the main job, from the real server to an injected pod, without a cluster. */
import jsonPatch from 'fast-json-patch'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { ProjectError } from '../base/errors.ts'
import type { CommandModule } from './commands.ts'
import { unifiedDiff } from './diff.ts'
import { EXIT, type CommandContext } from './output.ts'
import { packagePath } from './package.ts'

export const command: CommandModule = {
  examples: [{ text: "README's Deployment gets its sidecar:", line: 'mesh-admission demo' }],
  configure: () => undefined,
  run: (_input, context) => demo(context),
}

interface Deployment {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } }
}

interface ReviewAnswer {
  readonly response: {
    readonly allowed: boolean
    readonly patch?: string
    readonly status?: { readonly message: string }
  }
}

/** Where the server listens, and whom to trust. */
interface Endpoint {
  readonly url: string
  readonly ca: string
}

const START_TIMEOUT_MS = 20_000
/** Stands for the hash that a Deployment's controller appends to the names of its ReplicaSets. */
const TEMPLATE_HASH = '5d9c7b8f6d'

async function demo(context: CommandContext): Promise<number> {
  const deployment = parse(await readFile(packagePath('manifests/demo/hello.yaml'), 'utf8')) as Deployment
  const stateDir = await mkdtemp(join(tmpdir(), 'mesh-admission-demo-'))
  const server = startServer(stateDir)
  try {
    const endpoint = await endpointOf(server)
    context.note(`The server listens on ${endpoint.url}, with a certificate of its own authority.\n`)
    const before = podOf(deployment)
    const startedMs = performance.now()
    const answer = await ask(endpoint, { namespace: deployment.metadata.namespace, object: before })
    const tookMs = performance.now() - startedMs
    context.note(`It answered the first review after ${tookMs.toFixed(1)} ms, over verified TLS.\n\n`)
    context.print(
      unifiedDiff({ name: 'pod.yaml', before: stringify(before), after: stringify(patched(before, answer)) }, context),
    )
    return EXIT.clean
  } finally {
    server.kill('SIGKILL')
    await rm(stateDir, { recursive: true, force: true })
  }
}

function startServer(stateDir: string): ChildProcess {
  const anyPort = ['--port', '0', '--health-port', '0', '--metrics-port', '0', '--address', '127.0.0.1']
  const args = [...process.execArgv, process.argv[1] ?? '', 'serve', ...anyPort, '--state-dir', stateDir]
  return spawn(process.execPath, [...args, '--log-level', 'warn'], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** What `serve` announces once it listens. @throws ProjectError LISTEN_FAILED when it ends or stays silent */
async function endpointOf(server: ChildProcess): Promise<Endpoint> {
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS)
  timeout.addEventListener('abort', () => server.kill('SIGKILL'), { once: true })
  let text = ''
  for await (const chunk of server.stdout ?? []) {
    text += String(chunk)
    const url = /^Serving (\S+)$/m.exec(text)?.[1]
    const caFile = /^CA: (.+)$/m.exec(text)?.[1]
    if (url !== undefined && caFile !== undefined) return { url, ca: await readFile(caFile, 'utf8') }
  }
  throw new ProjectError('LISTEN_FAILED', `the server announced nothing within ${START_TIMEOUT_MS / 1000} s`)
}

/** The pod as a ReplicaSet's controller creates it, with what the API server has filled in. */
function podOf({ metadata: { name, namespace }, spec: { template } }: Deployment): object {
  const { labels } = template.metadata as { labels: Record<string, string> }
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: `${name}-${TEMPLATE_HASH}`,
    uid: 'b8d9a1f0-0000-4000-8000-000000000000',
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${name}-${TEMPLATE_HASH}-`,
      namespace,
      labels: { ...labels, 'pod-template-hash': TEMPLATE_HASH },
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: template.spec,
  }
}

async function ask(
  { url, ca }: Endpoint,
  { namespace, object }: { namespace: string; object: object },
): Promise<ReviewAnswer> {
  const uid = 'b8d9a1f0-0000-4000-8000-000000000001'
  const resource = { group: '', version: 'v1', resource: 'pods' }
  const review = {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: { uid, kind: { group: '', version: 'v1', kind: 'Pod' }, resource, namespace, operation: 'CREATE', object },
  }
  const text = await post(url, { ca, body: JSON.stringify(review) })
  return JSON.parse(text) as ReviewAnswer
}

function post(url: string, { ca, body }: { ca: string; body: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', ca, headers: { 'content-type': 'application/json' } }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => resolve(text))
      answer.on('error', reject)
    })
    call.on('error', reject)
    call.end(body)
  })
}

/** @throws ProjectError INJECTION_FAILED with the server's words when the pod got no patch */
function patched(pod: object, { response }: ReviewAnswer): object {
  if (response.patch === undefined) {
    throw new ProjectError('INJECTION_FAILED', response.status?.message ?? 'the pod was left as it is')
  }
  const operations = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as jsonPatch.Operation[]
  return jsonPatch.applyPatch(structuredClone(pod), operations).newDocument
}

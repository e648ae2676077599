/** What a person is told once the server listens. */
import type { RunningWebhook } from './webhook.ts'

const REVIEW = {
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: {
    uid: '1',
    namespace: 'default',
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'hello' },
      spec: { containers: [{ name: 'hello', image: 'registry.example/hello:1.4' }] },
    },
  },
}

/** Where to call, whom to trust, and a line to paste. `address` is the one that was asked for. */
export function announcement({ port, caFile }: RunningWebhook, address: string | undefined): string {
  const url = `https://${hostOf(address)}:${port}/inject`
  const trust = caFile === undefined ? '' : ` --cacert ${quoted(caFile)}`
  return [
    `Serving ${url}`,
    `CA: ${caFile ?? 'not in a file here; ask whoever made the certificate'}`,
    'Try it:',
    `  curl -sS${trust} -H 'Content-Type: application/json' -d '${JSON.stringify(REVIEW)}' ${url}`,
    '',
  ].join('\n')
}

/** The names that our certificate always has. */
function hostOf(address: string | undefined): string {
  if (address === undefined || address === '0.0.0.0' || address === '::') return 'localhost'
  return address.includes(':') ? `[${address}]` : address
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}

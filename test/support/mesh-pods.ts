/** Workloads whose path can be seen: an application and a stand-in for the proxy, both of our own image. */
import { load } from 'js-yaml'

import { shippedConfigText, shippedValuesText } from '../../src/cli/serve/shipped.ts'

/** What a caller from outside reads when its request came in at 15006 and the application's went out at 15001. */
export const SEEN_BOTH_WAYS = 'in at 15006, application: out at 15001'
/** Nobody has this address (RFC 5737): whoever answers there was put in its place. */
const NOBODY = '192.0.2.1'

/** Answers every request with what its own request to an address of nobody brings. */
const APPLICATION = `
const http = require('http')
http.createServer((request, response) => {
  const told = (text) => response.end('application: ' + text)
  const out = http.get({ host: '${NOBODY}', timeout: 3000 }, (answer) => answer.setEncoding('utf8').on('data', told))
  out.on('error', (error) => told(error.code)).on('timeout', () => out.destroy(new Error('nobody')))
}).listen(8080)
process.on('SIGTERM', () => process.exit(0))
`

/** Has Envoy's ports. What comes in is passed on to the application as Envoy does it; Envoy's arguments are ignored. */
const PROXY = `
const http = require('http')
const serve = (port, answer) => http.createServer(answer).listen(port)
serve(15021, (_, response) => response.end())
serve(15001, (_, response) => response.end('out at 15001'))
serve(15006, (_, response) => {
  const told = (text) => response.end('in at 15006, ' + text)
  const to = { host: process.env.INSTANCE_IP, port: 8080, localAddress: '127.0.0.6' }
  http.get(to, (answer) => answer.setEncoding('utf8').on('data', told)).on('error', (error) => told(error.code))
})
process.on('SIGTERM', () => process.exit(0))
`

/** A name that is complete: templates put the hub before any other. */
const fullName = (image: string): string => `docker.io/library/${image}`

/** The injector's ConfigMap: what is shipped, with our image for the init container and the proxy. */
export function injectorConfigMap({ image, cni }: { image: string; cni: boolean }): object {
  const shipped = load(shippedValuesText()) as {
    global: { proxy: object; proxy_init: object }
    pilot: { cni: object }
  }
  const { global, pilot } = shipped
  const values = {
    ...shipped,
    global: {
      ...global,
      proxy: { ...global.proxy, image: fullName(image), resources: { requests: { cpu: '1m' } } },
      proxy_init: { ...global.proxy_init, image: fullName(image) },
    },
    pilot: { ...pilot, cni: { ...pilot.cni, enabled: cni } },
  }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio-sidecar-injector', namespace: 'istio-system' },
    data: { config: shippedConfigText(), values: JSON.stringify(values) },
  }
}

export interface Workload {
  readonly name: string
  readonly namespace: string
  readonly image: string
  readonly replicas?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A Deployment of the application. The injector makes its second container the proxy. */
export function meshDeployment({
  name,
  namespace,
  image,
  replicas = 1,
  labels = {},
  annotations = {},
}: Workload): object {
  const run = (script: string): object => ({ image, command: ['node', '-e', script] })
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, ...labels }, annotations },
        spec: {
          terminationGracePeriodSeconds: 2,
          containers: [
            { name: 'application', ...run(APPLICATION) },
            { name: 'istio-proxy', ...run(PROXY) },
          ],
        },
      },
    },
  }
}

/** Workloads whose path can be seen: an application and a stand-in for the proxy, both of our own image. */
import { load } from 'js-yaml'

import { shippedConfigText, shippedValuesText } from '../../src/cli/serve/shipped.ts'

/** What a caller from outside reads when its request came in at 15006 and the application's went out at 15001. */
export const SEEN_BOTH_WAYS = 'in at 15006, application: out at 15001'
/** The path of a request whose way out is IPv6. */
export const BY_IPV6 = '/by-ipv6'
/** Nobody has these addresses (RFC 5737, RFC 3849): whoever answers there was put in its place. */
const NOBODY = { v4: '192.0.2.1', v6: '2001:db8::1' }

/** Answers every request with what its own request to an address of nobody brings. */
const APPLICATION = `
const http = require('http')
http.createServer((request, response) => {
  const told = (text) => response.end('application: ' + text)
  const host = request.url === '${BY_IPV6}' ? '${NOBODY.v6}' : '${NOBODY.v4}'
  const out = http.get({ host, timeout: 3000 }, (answer) => answer.setEncoding('utf8').on('data', told))
  out.on('error', (error) => told(error.code)).on('timeout', () => out.destroy(new Error('nobody')))
}).listen(8080)
process.on('SIGTERM', () => process.exit(0))
`

/** What a caller reads whose connection came to the proxy with the addresses of both its ends. */
export const seenByTproxy = (from: string, to: string): string => `in at 15006, from ${from} to ${to}:8080`

/** Node cannot open a transparent socket, which is what a proxy listens with where TPROXY brings it connections. */
const TRANSPARENT = `
use strict; use Socket;
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1) or die "SO_REUSEADDR: $!";
setsockopt($listener, 0, 19, 1) or die "IP_TRANSPARENT: $!";
bind($listener, sockaddr_in(15006, INADDR_ANY)) or die "bind: $!";
listen($listener, 16) or die "listen: $!";
while (accept(my $client, $listener)) {
  sysread($client, my $request, 4096);
  my (undef, $from) = sockaddr_in(getpeername($client));
  my ($port, $to) = sockaddr_in(getsockname($client));
  my $text = 'in at 15006, from ' . inet_ntoa($from) . ' to ' . inet_ntoa($to) . ":$port";
  my $length = length($text);
  syswrite($client, "HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: $length\\r\\n\\r\\n$text");
  close($client);
}
`

/** Has Envoy's ports. What comes in is passed on to the application as Envoy does it; Envoy's arguments are ignored. */
const PROXY = `
const http = require('http')
const serve = (port, answer) => http.createServer(answer).listen(port)
serve(15021, (_, response) => response.end())
serve(15001, (_, response) => response.end('out at 15001'))
if (process.env.ISTIO_META_INTERCEPTION_MODE === 'TPROXY')
  require('child_process').spawn('perl', ['-e', ${JSON.stringify(TRANSPARENT)}], { stdio: 'inherit' })
else serve(15006, (request, response) => {
  const told = (text) => response.end('in at 15006, ' + text)
  const to = { host: process.env.INSTANCE_IP, port: 8080, localAddress: '127.0.0.6', path: request.url }
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

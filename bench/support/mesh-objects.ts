/** Mesh resources to measure with; all of them are valid. */

type MeshObject = Readonly<Record<string, unknown>>

const of = (kind: string, group: string, spec: object): MeshObject => ({
  apiVersion: `${group}.istio.io/v1`,
  kind,
  metadata: { name: 'shop', namespace: 'shop', labels: { app: 'shop' } },
  spec,
})

const list = <T>(length: number, make: (n: number) => T): T[] => Array.from({ length }, (_, n) => make(n))

export function meshObjects(): Readonly<Record<string, MeshObject>> {
  return {
    'small VirtualService': of('VirtualService', 'networking', {
      hosts: ['shop.example.com'],
      gateways: ['shop-gateway'],
      http: [
        {
          match: [{ uri: { prefix: '/cart' } }],
          route: [
            { destination: { host: 'cart', subset: 'v1', port: { number: 8080 } }, weight: 90 },
            { destination: { host: 'cart', subset: 'v2', port: { number: 8080 } }, weight: 10 },
          ],
          timeout: '5s',
          retries: { attempts: 3, perTryTimeout: '2s', retryOn: '5xx,connect-failure' },
        },
      ],
    }),
    'VirtualService, 500 routes': of('VirtualService', 'networking', {
      hosts: ['shop.example.com'],
      gateways: ['shop-gateway'],
      http: list(500, (n) => ({
        name: `route-${n}`,
        match: [{ uri: { prefix: `/api/v${n}/` }, headers: { 'x-tenant': { exact: `t${n}` } } }],
        rewrite: { uri: '/' },
        route: [
          { destination: { host: `service-${n}.shop.svc.cluster.local`, port: { number: 8080 } }, weight: 90 },
          { destination: { host: `service-${n}-next.shop.svc.cluster.local`, port: { number: 8080 } }, weight: 10 },
        ],
        timeout: '5s',
        retries: { attempts: 3, perTryTimeout: '2s' },
      })),
    }),
    'AuthorizationPolicy, 100 rules': of('AuthorizationPolicy', 'security', {
      selector: { matchLabels: { app: 'shop' } },
      action: 'ALLOW',
      rules: list(100, (n) => ({
        from: [
          { source: { principals: [`cluster.local/ns/n${n}/sa/a`, `cluster.local/ns/n${n}/sa/b`] } },
          { source: { namespaces: [`n${n}`], notIpBlocks: [`10.${n}.0.0/16`] } },
        ],
        to: [{ operation: { methods: ['GET', 'POST'], paths: [`/api/v${n}/*`], ports: ['8080'] } }],
        when: [{ key: 'request.headers[x-tenant]', values: [`t${n}`] }],
      })),
    }),
    'Gateway, 200 servers': of('Gateway', 'networking', {
      selector: { istio: 'ingressgateway' },
      servers: list(200, (n) => ({
        port: { number: 443, name: `https-${n}`, protocol: 'HTTPS' },
        hosts: [`shop-${n}.example.com`],
        tls: { mode: 'SIMPLE', credentialName: `shop-${n}` },
      })),
    }),
  }
}

/** Annotations of a pod: what is refused, and in which words. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validateAnnotations } from '../../../src/injection/mesh/annotations.ts'

const INCLUDE_RANGES = 'traffic.sidecar.istio.io/includeOutboundIPRanges'
const EXCLUDE_RANGES = 'traffic.sidecar.istio.io/excludeOutboundIPRanges'
const INCLUDE_INBOUND = 'traffic.sidecar.istio.io/includeInboundPorts'
const EXCLUDE_INBOUND = 'traffic.sidecar.istio.io/excludeInboundPorts'
const EXCLUDE_OUTBOUND = 'traffic.sidecar.istio.io/excludeOutboundPorts'
const INTERFACES = 'traffic.sidecar.istio.io/excludeInterfaces'
const CONFIG = 'proxy.istio.io/config'

const fine: [name: string, values: string[]][] = [
  ['sidecar.istio.io/interceptionMode', ['REDIRECT', 'TPROXY', 'NONE']],
  ['status.sidecar.istio.io/port', ['0', '15020', ' 123 ', '065535']],
  ['readiness.status.sidecar.istio.io/initialDelaySeconds', ['0', '4294967295']],
  ['readiness.status.sidecar.istio.io/applicationPorts', ['nonsense']],
  [INCLUDE_RANGES, ['', '*', '10.0.0.0/8', '10.0.0.1/8,::/0']],
  [EXCLUDE_RANGES, ['', '10.0.0.0/8']],
  [INCLUDE_INBOUND, ['', '*', ' ', '80', '80, 443 ,0']],
  [EXCLUDE_INBOUND, ['', '80']],
  [EXCLUDE_OUTBOUND, ['', '80']],
  ['traffic.sidecar.istio.io/includeOutboundPorts', ['anything"\n']],
  [INTERFACES, ['', 'eth0', 'eth0, net1.2_3-4', 'a23456789012345']],
  ['istio.io/reroute-virtual-interfaces', ['kube1']],
  ['prometheus.istio.io/merge-metrics', ['true', 'F', '1']],
  ['sidecar.istio.io/proxyCPU', ['100m', '1', '1e3']],
  ['sidecar.istio.io/proxyMemoryLimit', ['1Gi', '128974848']],
  [CONFIG, ['', '{}', 'null', '{unknownField: 1}', '{concurrency: "2"}', 'statusPort: 15999', '# nothing']],
  ['constructor', ['x']],
]
for (const [name, values] of fine) {
  test(`annotation ${name} accepts ${values.map((value) => JSON.stringify(value)).join(' ')}`, () => {
    for (const value of values) assert.equal(validateAnnotations({ [name]: value }), undefined)
  })
}

const parsePort = (port: string, why: string): string =>
  `failed parsing port '${port}': strconv.ParseUint: parsing "${port.trim()}": ${why}`
const listed = (port: string, why: string): string => `failed parsing port '${port}': ${parsePort(port, why)}`
const QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

const bad: [name: string, value: string, reason: string][] = [
  ['sidecar.istio.io/interceptionMode', 'redirect', 'interceptionMode invalid, use REDIRECT,TPROXY,NONE: redirect'],
  ['sidecar.istio.io/interceptionMode', '', 'interceptionMode invalid, use REDIRECT,TPROXY,NONE: '],
  ['status.sidecar.istio.io/port', 'x', `excludeInboundPorts invalid: ${parsePort('x', 'invalid syntax')}`],
  ['status.sidecar.istio.io/port', '', `excludeInboundPorts invalid: ${parsePort('', 'invalid syntax')}`],
  ['status.sidecar.istio.io/port', '65536', `excludeInboundPorts invalid: ${parsePort('65536', 'value out of range')}`],
  ['readiness.status.sidecar.istio.io/periodSeconds', ' 1', 'strconv.ParseUint: parsing " 1": invalid syntax'],
  [
    'readiness.status.sidecar.istio.io/failureThreshold',
    '4294967296',
    'strconv.ParseUint: parsing "4294967296": value out of range',
  ],
  [INCLUDE_RANGES, '*,10.0.0.0/8', `includeIPRanges invalid: failed parsing cidr '*': netip.ParsePrefix("*"): no '/'`],
  [EXCLUDE_RANGES, '*', `excludeIPRanges invalid: failed parsing cidr '*': netip.ParsePrefix("*"): no '/'`],
  [
    EXCLUDE_RANGES,
    '10.0.0.0/8, 1.0.0.0/8',
    `excludeIPRanges invalid: failed parsing cidr ' 1.0.0.0/8': netip.ParsePrefix(" 1.0.0.0/8"): ParseAddr(" 1.0.0.0"): unexpected character (at " 1.0.0.0")`,
  ],
  [INCLUDE_INBOUND, '80,', `includeInboundPorts invalid: ${listed('', 'invalid syntax')}`],
  [INCLUDE_INBOUND, '*,80', `includeInboundPorts invalid: ${listed('*', 'invalid syntax')}`],
  [EXCLUDE_INBOUND, '*', `excludeInboundPorts invalid: ${listed('*', 'invalid syntax')}`],
  [EXCLUDE_OUTBOUND, '1,70000', `excludeOutboundPorts invalid: ${listed('70000', 'value out of range')}`],
  [INTERFACES, 'a,,b', 'empty interface name'],
  [INTERFACES, ' ', 'empty interface name'],
  [INTERFACES, 'a234567890123456', 'interface name "a234567890123456" too long (max 15 chars)'],
  [INTERFACES, '1eth', 'interface name "1eth" contains invalid characters'],
  ['traffic.sidecar.istio.io/kubevirtInterfaces', 'a b', 'interface name "a b" contains invalid characters'],
  ['prometheus.istio.io/merge-metrics', 'yes', 'strconv.ParseBool: parsing "yes": invalid syntax'],
  ['sidecar.istio.io/proxyCPULimit', 'abc', QUANTITY],
  ['sidecar.istio.io/proxyMemory', '12Q', QUANTITY],
  ['sidecar.istio.io/proxyMemory', '128Mi\nmalicious', 'value contains control characters'],
  ['sidecar.istio.io/proxyCPU', '100m\r', 'value contains control characters'],
  [
    CONFIG,
    'interceptionMode: tproxy',
    'failed to convert to apply proxy config: unknown value "\\"tproxy\\"" for enum istio.mesh.v1alpha1.ProxyConfig.InboundInterceptionMode',
  ],
  [
    CONFIG,
    '[1]',
    'failed to convert to apply proxy config: json: cannot unmarshal array into Go value of type map[string]json.RawMessage',
  ],
  [
    CONFIG,
    'statusPort: 0',
    '1 error occurred:\n\t* invalid status port: port number 0 must be in the range 1..65535\n\n',
  ],
  [
    CONFIG,
    '{configPath: "", binaryPath: ""}',
    '2 errors occurred:\n\t* config path must be set\n\t* binary path must be set\n\n',
  ],
]
for (const [name, value, reason] of bad) {
  test(`annotation ${name} refuses ${JSON.stringify(value)}`, () =>
    assert.equal(
      validateAnnotations({ [name]: value }),
      `1 error occurred:\n\t* invalid value '${value}' for annotation '${name}': ${reason}\n\n`,
    ))
}

test('broken YAML in a proxy config is refused with the words of the YAML reader', () => {
  assert.match(
    validateAnnotations({ [CONFIG]: 'a: [' }) ?? '',
    /^1 error occurred:\n\t\* invalid value 'a: \[' for annotation 'proxy\.istio\.io\/config': failed to convert to apply proxy config: yaml: /,
  )
})

test('all failures are listed, in the order of the names', () => {
  assert.equal(
    validateAnnotations({
      'traffic.sidecar.istio.io/excludeInterfaces': '-',
      other: 'x',
      'prometheus.istio.io/merge-metrics': '?',
    }),
    "2 errors occurred:\n\t* invalid value '?' for annotation 'prometheus.istio.io/merge-metrics': " +
      'strconv.ParseBool: parsing "?": invalid syntax\n' +
      "\t* invalid value '-' for annotation 'traffic.sidecar.istio.io/excludeInterfaces': " +
      'interface name "-" contains invalid characters\n\n',
  )
})

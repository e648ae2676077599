/** Hosts, domains and `host:port` addresses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressProblem,
  domainProblem,
  trustDomainProblem,
  wildcardDomainProblem,
} from '../../../src/injection/mesh/host-names.ts'

const split = (address: string, why: string): string => `unable to split "${address}": address ${address}: ${why}`

const ADDRESSES: [address: string, problem: string | undefined][] = [
  ['istiod.istio-system.svc:15012', undefined],
  ['zipkin:9411', undefined],
  ['10.0.0.1:80', undefined],
  ['[::1]:80', undefined],
  ['host.:1', undefined],
  ['', 'unable to split "": missing port in address'],
  ['10.0.0.100', split('10.0.0.100', 'missing port in address')],
  ['::1:80', split('::1:80', 'too many colons in address')],
  ['[::1', split('[::1', "missing ']' in address")],
  ['[::1]', split('[::1]', 'missing port in address')],
  ['[::1]:80:90', split('[::1]:80:90', 'too many colons in address')],
  ['[::1]x:80', split('[::1]x:80', 'missing port in address')],
  ['a]:80', split('a]:80', "unexpected ']' in address")],
  ['host:x', 'port (x) is not a number: strconv.Atoi: parsing "x": invalid syntax'],
  ['host:', 'port () is not a number: strconv.Atoi: parsing "": invalid syntax'],
  ['host:0', 'port number 0 must be in the range 1..65535'],
  ['host:65536', 'port number 65536 must be in the range 1..65535'],
  ['host:-1', 'port number -1 must be in the range 1..65535'],
  ['ho_st:80', '"ho_st" is not a valid hostname or an IP address'],
  [':80', '"" is not a valid hostname or an IP address'],
  ['web.123:80', '"web.123" is not a valid hostname or an IP address'],
]
for (const [address, problem] of ADDRESSES) {
  test(`address ${JSON.stringify(address)}: ${problem ?? 'fine'}`, () => assert.equal(addressProblem(address), problem))
}

const DOMAINS: [check: (domain: string) => string | undefined, domain: string, problem: string | undefined][] = [
  [domainProblem, 'Foo.bar', undefined],
  [domainProblem, '', 'empty domain name not allowed'],
  [domainProblem, '*.foo', 'domain name "*.foo" invalid (label "*" invalid)'],
  [domainProblem, 'a..b', 'domain name "a..b" invalid (label "" invalid)'],
  [
    domainProblem,
    `${'a'.repeat(64)}.b`,
    `domain name "${'a'.repeat(64)}.b" invalid (label "${'a'.repeat(64)}" invalid)`,
  ],
  [domainProblem, 'a.'.repeat(128), `domain name "${'a.'.repeat(128)}" too long (max 255)`],
  [wildcardDomainProblem, '*.foo.com', undefined],
  [wildcardDomainProblem, '*', undefined],
  [wildcardDomainProblem, '*-foo.com', undefined],
  [wildcardDomainProblem, '12345', undefined],
  [wildcardDomainProblem, 'foo.bar.*', 'domain name "bar.*" invalid (label "*" invalid)'],
  [wildcardDomainProblem, 'foo*.com', 'domain name "foo*.com" invalid (label "foo*" invalid)'],
  [wildcardDomainProblem, '*-', 'domain name "*-" invalid (label "*-" invalid)'],
  [trustDomainProblem, 'f-oo.bar.com.', undefined],
  [trustDomainProblem, 'cluster.123', undefined],
  [trustDomainProblem, '', 'empty domain name not allowed'],
  [trustDomainProblem, 'foo:bar', 'trust domain name "foo:bar" invalid'],
  [trustDomainProblem, '-foo.com', 'trust domain name "-foo.com" invalid'],
]
for (const [check, domain, problem] of DOMAINS) {
  test(`${check.name} of ${JSON.stringify(domain)}: ${problem ?? 'fine'}`, () => assert.equal(check(domain), problem))
}

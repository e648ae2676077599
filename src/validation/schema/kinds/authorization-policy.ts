/** AuthorizationPolicy: security.istio.io v1, v1beta1. */
import { enumOf, list, object, text } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { celRule, matchLabelsSelector, ONE_TARGET, targetRef, targetRefs } from './shared.ts'

const SOURCE_RULE = celRule<Record<string, unknown>>(
  '(has(self.serviceAccounts) || has(self.notServiceAccounts)) ? (!has(self.principals) && !has(self.notPrincipals) && !has(self.namespaces) && !has(self.notNamespaces)) : true',
  'Cannot set serviceAccounts with namespaces or principals',
  (self) => {
    const has = (name: string): boolean => Object.hasOwn(self, name)
    if (!has('serviceAccounts') && !has('notServiceAccounts')) return true
    return !['principals', 'notPrincipals', 'namespaces', 'notNamespaces'].some(has)
  },
)
const texts = list(text())
const accounts = list(text({ maxLength: 320 }), { maxItems: 16 })
const source = object(
  {
    principals: texts,
    notPrincipals: texts,
    requestPrincipals: texts,
    notRequestPrincipals: texts,
    namespaces: texts,
    notNamespaces: texts,
    serviceAccounts: accounts,
    notServiceAccounts: accounts,
    trustDomains: texts,
    notTrustDomains: texts,
    ipBlocks: texts,
    notIpBlocks: texts,
    remoteIpBlocks: texts,
    notRemoteIpBlocks: texts,
  },
  { cel: [SOURCE_RULE] },
)
const operation = object({
  hosts: texts,
  notHosts: texts,
  ports: texts,
  notPorts: texts,
  methods: texts,
  notMethods: texts,
  paths: texts,
  notPaths: texts,
})
const condition = object({ key: text(), values: texts, notValues: texts }, { required: ['key'] })
const rule = object({
  from: list(object({ source }), { maxItems: 512 }),
  to: list(object({ operation })),
  when: list(condition),
})
const spec = object(
  {
    selector: matchLabelsSelector,
    targetRef,
    targetRefs,
    action: enumOf(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']),
    provider: object({ name: text() }),
    rules: list(rule, { maxItems: 512 }),
  },
  { oneOf: [['provider']], cel: [ONE_TARGET] },
)

export const authorizationPolicy: KindSchema<Decoded<typeof spec>> = {
  group: 'security.istio.io',
  kind: 'AuthorizationPolicy',
  plural: 'authorizationpolicies',
  shortNames: ['ap'],
  versions: ['v1', 'v1beta1'],
  specRequired: false,
  spec,
}
export type AuthorizationPolicy = Decoded<typeof spec>
export type PolicyRule = Decoded<typeof rule>
export type Source = Decoded<typeof source>
export type Operation = Decoded<typeof operation>
export type Condition = Decoded<typeof condition>

/** Does a namespace of the mesh forbid what the sidecar's initializer needs? */
import { check } from '../check.ts'

/** Kubernetes: `... is forbidden: violates PodSecurity "restricted:latest": ...`. */
const VIOLATION = /violates PodSecurity "([^"]+)": (.*)$/s

export const podSecurity = check({
  name: 'Pod Security',
  reads: ['probes'],
  *run({ probes }) {
    for (const { namespace, outcome } of probes) {
      if (outcome.is !== 'refused') continue
      const [, standard, why] = VIOLATION.exec(outcome.words) ?? []
      if (standard === undefined) continue
      yield {
        code: 'POD_SECURITY_FORBIDS',
        subject: `namespace/${namespace}`,
        message: `it enforces ${standard}, and the injected pod violates it: ${why}. With the CNI plugin no container needs NET_ADMIN: install it, and set pilot.cni.enabled in the injector's values`,
        next: 'kubectl apply -k manifests/cni',
      }
    }
  },
})

export const isPodSecurity = (words: string): boolean => VIOLATION.test(words)

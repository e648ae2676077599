/** May the server's account do all that it has to do? */
import { reapply } from '../advice.ts'
import { check } from '../check.ts'
import type { Right } from '../world.ts'

export const rights = check({
  name: 'rights',
  reads: ['plan', 'configurations', 'rights'],
  *run(world) {
    const { plan } = world
    const missing = new Map<string, string[]>()
    for (const right of world.rights.filter(({ isAllowed }) => !isAllowed)) {
      const resource = resourceText(right)
      missing.set(resource, [...(missing.get(resource) ?? []), right.verb])
    }
    for (const [resource, verbs] of missing) {
      yield {
        code: 'RIGHT_MISSING',
        subject: `serviceaccount/${plan.name} -n ${plan.namespace}`,
        message: `may not ${verbs.join(', ')} ${resource}`,
        next: reapply(world, 'rights'),
      }
    }
  },
})

function resourceText({ group, resource, name, namespace }: Right): string {
  const kind = group === '' ? resource : `${resource}.${group}`
  return `${kind}${name === undefined ? '' : ` ${name}`}${namespace === undefined ? '' : ` in ${namespace}`}`
}

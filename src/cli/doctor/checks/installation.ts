/** Is there anything of this installation in the cluster? */
import { ourEntries } from '../../installed/configurations.ts'
import { reapply } from '../advice.ts'
import { check } from '../check.ts'

export const installation = check({
  name: 'installation',
  reads: ['plan', 'configurations'],
  *run(world) {
    const { plan, configurations } = world
    if (ourEntries(configurations, plan).length > 0) return
    yield {
      code: 'NOT_INSTALLED',
      subject: `${plan.namespace}/${plan.name}`,
      message: `no entry of any webhook configuration leads to Service ${plan.namespace}/${plan.name}, or is labelled as ours`,
      next: reapply(world, 'webhooks').replace(' --part webhooks', ''),
    }
  },
})

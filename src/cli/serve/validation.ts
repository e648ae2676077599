/** The engine of validation, as the server calls it. */
import type { Validate } from '../../server/routes/validate.ts'
import { reviewObject } from '../../validation/index.ts'
import type { ServeOptions } from './options.ts'

/** istiod: a write to a subresource is validated like any other, though none is registered. */
export function createValidate({ compat }: Pick<ServeOptions, 'compat'>): Validate {
  return ({ subResource, ...request }) =>
    subResource !== '' && compat === 'off'
      ? { allowed: true, warnings: [], looked: false }
      : reviewObject(request, { compat })
}

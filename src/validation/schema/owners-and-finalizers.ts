/** What the API server checks about those who keep an object alive. */
import { field, METADATA } from '../field-path.ts'
import { wrongQualifiedName } from './kube-names.ts'
import type { SchemaError } from './structure.ts'

type Bag = Readonly<Record<string, unknown>>

/** Owner references need all their names, none may be an Event, and one of them may be the controller. */
export function checkOwnersAndFinalizers(owners: readonly Bag[], finalizers: readonly string[]): SchemaError[] {
  return [
    ...owners.flatMap(wrongOwner),
    ...(owners.filter(({ controller }) => controller === true).length > 1
      ? [invalid('ownerReferences', 'Only one reference can have Controller set to true')]
      : []),
    ...finalizers.flatMap((name) => [...wrongQualifiedName(name)].map((why) => invalid('finalizers', why, name))),
    ...(finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')
      ? [invalid('finalizers', 'finalizer orphan and foregroundDeletion cannot be both set')]
      : []),
  ]
}

function invalid(step: string, why: string, value: unknown = ''): SchemaError {
  const path = `metadata.${step}`
  const message = `Invalid value: ${JSON.stringify(value)}: ${why}`
  const at = step.split('.').reduce(field, METADATA)
  return { at, path, message, type: 'FieldValueInvalid' }
}

function wrongOwner(owner: Bag): SchemaError[] {
  const missing = ['kind', 'name', 'uid'].filter((name) => (owner[name] ?? '') === '')
  const errors = missing.map((name) => invalid(`ownerReferences.${name}`, 'must not be empty'))
  const { apiVersion = '', kind } = owner
  const version = typeof apiVersion === 'string' ? apiVersion.slice(apiVersion.indexOf('/') + 1) : ''
  if (version === '') errors.push(invalid('ownerReferences.apiVersion', 'version must not be empty'))
  if (apiVersion === 'v1' && kind === 'Event')
    errors.push(invalid('ownerReferences', 'Event is disallowed as an owner'))
  return errors
}

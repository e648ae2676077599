/** Members of plain JSON objects with any name, `__proto__` included. */

export type JsonObject = Record<string, unknown>

/** Whether a JSON value is an object, not a list and not null. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Sets a member. Plain assignment to `__proto__` would exchange the object's prototype instead. */
export function setMember(object: JsonObject, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
  } else {
    object[name] = value
  }
}

/** The own member of that name; undefined where there is none, whatever the prototype holds. */
export const memberOf = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined

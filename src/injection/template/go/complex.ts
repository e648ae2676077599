/** Text of complex numbers, which templates can only write as constants. */
import { formatG } from './format-float.ts'

/** Go's `%v` of a complex128. */
export function printComplex(real: number, imaginary: number): string {
  const sign = imaginary < 0 || Object.is(imaginary, -0) ? '' : '+'
  return `(${formatG(real)}${sign}${formatG(imaginary)}i)`
}

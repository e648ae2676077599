/** Texts of floating-point numbers as Go's strconv gives them in format `g`. */

/** The shortest text that reads back as the same 64-bit float: with an exponent below 1e-4 and from 1e6 on, as all of Go prints floats but JSON. */
export const floatText = (value: number): string => withExponent(value, value.toExponential())

/** The same for 32-bit floats, which have fewer digits. */
export function float32Text(value: number): string {
  const single = Math.fround(value)
  for (let digits = 0; digits < 17; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === single) return withExponent(value, text)
  }
  return floatText(value)
}

function withExponent(value: number, text: string): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const [mantissa = '', exponent = '0'] = text.split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 6) {
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  }
  const decimals = (mantissa.split('.')[1] ?? '').length - power
  return Number(text).toFixed(Math.max(0, decimals))
}

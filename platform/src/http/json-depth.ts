/** No body of this API is nested deeper than a dozen levels. */
export const mostLevels = 64

const quote = 0x22
const backslash = 0x5c

/**
 * Whether JSON text nests deeper than `mostLevels`. JSON.parse reads any depth, but what works on the value afterwards is
 * recursive (JSON.stringify, the driver) and would overflow the stack.
 */
export const isTooDeep = (json: Uint8Array): boolean => {
  if (json.length <= mostLevels) return false
  let depth = 0
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]
    if (byte === quote) {
      for (at += 1; at < json.length && json[at] !== quote; at += 1) if (json[at] === backslash) at += 1
    } else if (byte === 0x5b || byte === 0x7b) {
      depth += 1
      if (depth > mostLevels) return true
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1
  }
  return false
}

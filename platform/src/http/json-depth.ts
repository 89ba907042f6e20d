/** The maximum nesting of a JSON body. The bodies of this API need no more than a dozen levels. */
export const maxJsonDepth = 64

const quote = 0x22
const backslash = 0x5c

const isOpening = (byte: number | undefined): boolean => byte === 0x5b || byte === 0x7b
const isClosing = (byte: number | undefined): boolean => byte === 0x5d || byte === 0x7d

/** Returns the index of the closing quote of the string that begins at `start`, or the end of the text if there is none. */
const endOfString = (json: Uint8Array, start: number): number => {
  let index = start + 1
  while (index < json.length && json[index] !== quote) index += json[index] === backslash ? 2 : 1
  return index
}

/**
 * Whether JSON text is nested deeper than `maxJsonDepth`. JSON.parse accepts any depth, but later steps are recursive
 * (JSON.stringify, the database driver) and would overflow the stack.
 */
export const isTooDeep = (json: Uint8Array): boolean => {
  if (json.length <= maxJsonDepth) return false
  let depth = 0
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index]
    if (byte === quote) index = endOfString(json, index)
    else if (isOpening(byte)) depth += 1
    else if (isClosing(byte)) depth -= 1
    if (depth > maxJsonDepth) return true
  }
  return false
}

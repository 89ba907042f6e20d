/** Returns a 53-bit hash (cyrb53). */
const hashOf = (text: string): number => {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    a = Math.imul(a ^ code, 2654435761)
    b = Math.imul(b ^ code, 1597334677)
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}

/**
 * A set of strings that stores only their hashes: 16 to 32 bytes per string, whatever its length. With a million strings, the
 * chance that any two have the same hash is about 1 in 20,000.
 */
export type KeySet = { has(text: string): boolean; add(text: string): void }

/** Creates an empty set: a hash table with open addressing, in which 0 marks a free slot. */
export const createKeySet = (): KeySet => {
  let slots = new Float64Array(1 << 10)
  let size = 0

  const slotOf = (hash: number, within: Float64Array): number => {
    let slot = hash % within.length
    while (within[slot] !== 0 && within[slot] !== hash) slot = (slot + 1) % within.length
    return slot
  }
  const hash = (text: string): number => hashOf(text) || 1
  const grow = (): void => {
    const larger = new Float64Array(slots.length * 2)
    for (const each of slots) if (each !== 0) larger[slotOf(each, larger)] = each
    slots = larger
  }

  return {
    has: (text) => slots[slotOf(hash(text), slots)] !== 0,
    add: (text) => {
      const value = hash(text)
      const slot = slotOf(value, slots)
      if (slots[slot] === value) return
      slots[slot] = value
      size += 1
      if (size * 2 > slots.length) grow()
    },
  }
}

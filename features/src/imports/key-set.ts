/** A number of 53 bits made of a text, evenly spread (cyrb53). */
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

/** Remembers which texts it was given, in 16 to 32 bytes each whatever their length: of a million, two are mistaken for each other once in 20,000 times. */
export type KeySet = { has(text: string): boolean; add(text: string): void }

export const createKeySet = (): KeySet => {
  let slots = new Float64Array(1 << 10)
  let size = 0

  const placeOf = (hash: number, within: Float64Array): number => {
    let place = hash % within.length
    while (within[place] !== 0 && within[place] !== hash) place = (place + 1) % within.length
    return place
  }
  const hash = (text: string): number => hashOf(text) || 1
  const grow = (): void => {
    const larger = new Float64Array(slots.length * 2)
    for (const each of slots) if (each !== 0) larger[placeOf(each, larger)] = each
    slots = larger
  }

  return {
    has: (text) => slots[placeOf(hash(text), slots)] !== 0,
    add: (text) => {
      const value = hash(text)
      const place = placeOf(value, slots)
      if (slots[place] === value) return
      slots[place] = value
      size += 1
      if (size * 2 > slots.length) grow()
    },
  }
}

/**
 * Returns the first name that other users may see: one that is not an e-mail address. Without one it is `User 7f3a`, from the
 * beginning of the id.
 */
export const publicName = (id: string, ...names: unknown[]): string =>
  names.find((name): name is string => typeof name === 'string' && name !== '' && !name.includes('@')) ??
  `User ${id.slice(0, 4)}`

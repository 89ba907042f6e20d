/** Returns the column of an attribute, which is its name in snake case: `createdAt` → `created_at`. */
export const columnName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

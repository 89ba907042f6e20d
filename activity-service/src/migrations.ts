/** The migrations of the schema `activity`. */
export const migrations = new URL('../migrations/', import.meta.url)

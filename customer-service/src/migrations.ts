/** The migrations of the schema `customers`. */
export const migrations = new URL('../migrations/', import.meta.url)

/** Where this service's SQL migrations are. */
export const migrations = new URL('../migrations/', import.meta.url)

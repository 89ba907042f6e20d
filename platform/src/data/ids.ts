import { validate } from 'uuid'

/** Whether `value` is a UUID. */
export const isUuid = (value: string): boolean => validate(value)

import { validate } from 'uuid'

/** Whether `value` is a UUID in text form. */
export const isUuid = (value: string): boolean => validate(value)

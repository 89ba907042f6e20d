import { validate, version } from 'uuid'

/** Whether `value` is a UUID. */
export const isUuid = (value: string): boolean => validate(value)

/** Whether `value` can be the id of a record: the services make UUIDs of version 7. */
export const isRecordId = (value: string): boolean => validate(value) && version(value) === 7

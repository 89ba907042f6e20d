import { databaseTime } from '@clientele/platform/data/database-time'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import type { Report } from '../providers/provider.ts'

/** A row of `delivery_reports`: one that came before the provider's answer was recorded. Kept for minutes. */
export class DeliveryReportModel extends Model<
  InferAttributes<DeliveryReportModel>,
  InferCreationAttributes<DeliveryReportModel>
> {
  declare provider: string
  declare messageId: string
  declare status: Report['status']
  declare number: string | null
  declare reason: string | null
  declare receivedAt: CreationOptional<Date>
}
export type DeliveryReports = ModelStatic<DeliveryReportModel>

const { DATE, TEXT } = DataTypes

/** The model on one connection pool. */
export const defineDeliveryReports = (sequelize: Sequelize): DeliveryReports => {
  class ConnectedReport extends DeliveryReportModel {}
  return ConnectedReport.init(
    {
      provider: { type: TEXT, primaryKey: true },
      messageId: { type: TEXT, primaryKey: true },
      status: { type: TEXT, primaryKey: true },
      number: { type: TEXT, field: 'recipient' },
      reason: TEXT,
      receivedAt: { type: DATE(3), allowNull: false, defaultValue: databaseTime() },
    },
    { sequelize, modelName: 'deliveryReport', tableName: 'delivery_reports' },
  )
}

import { minioMissing, startMinio } from '../servers/minio.ts';
import { s3Cases } from './s3-cases.ts';

// Four minutes of building are not for `npm test`.
s3Cases('MinIO', process.env['MILLRACE_LONG'] === '1' ? minioMissing() : 'npm run test:servers runs it against MinIO', startMinio);

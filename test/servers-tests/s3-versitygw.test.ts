import { startVersitygw, versitygwMissing } from '../servers/versitygw.ts';
import { s3Cases } from './s3-cases.ts';

s3Cases('versitygw', versitygwMissing(), startVersitygw);

import { contractTests } from '../support/contract.ts';
import { describeOnLab } from './support/lab-test.ts';

describeOnLab('the lab', (lab) => {
  contractTests(lab);
});

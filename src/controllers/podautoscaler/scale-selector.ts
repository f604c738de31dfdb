// The selector by which a scale tells its pods (upstream validateAndParseSelector): pure.
import { errorMessage } from '../../apimachinery/error-message.ts';
import { type LabelSelector, parseLabelSelector } from '../../apimachinery/selectors/label-selector.ts';

/** An Event's reason and message, and what the condition ScalingActive says. */
export interface SelectorRefusal {
  readonly reason: string;
  readonly message: string;
  readonly told: string;
}

export function readScaleSelector(text: string): {
  readonly selector?: LabelSelector;
  readonly refusal?: SelectorRefusal;
} {
  if (text === '') {
    const told = "the HPA target's scale is missing a selector";
    return { refusal: { reason: 'SelectorRequired', message: 'selector is required', told } };
  }
  try {
    return { selector: parseLabelSelector(text) };
  } catch (error) {
    const message = `couldn't convert selector into a corresponding internal selector object: ${errorMessage(error)}`;
    return { refusal: { reason: 'InvalidSelector', message, told: message } };
  }
}

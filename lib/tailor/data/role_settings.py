"""04's settings of which column is what, and how conversations, passages and preferences are read."""

from typing import Literal

from tailor.settings import Settings, setting

SPLITTING, SHAPES = "Splitting", "Conversations, passages and preferences"


class RoleSettings(Settings):
    """Which column plays which role (see `tailor.data.roles`); `<role>_column` names a role's column."""

    input_column: str = setting("", "The text a person writes. Empty: guessed; the guess is shown below.")
    output_column: str = setting(
        "",
        "The answer to learn (task 'respond'). Empty: guessed; 'none': answers are written by hand, below.",
    )
    label_column: str = setting(
        "", "The label to learn (task 'classify'). Empty: guessed; 'none': labels are given by hand, below."
    )
    group_column: str = setting(
        "",
        "Rows with the same value here (one customer) stay in one split, so that the test holds nobody seen in "
        "training. Empty: guessed; 'none': no such column.",
    )
    thread_column: str = setting(
        "",
        "Rows of one conversation stay in one split. Empty: guessed; 'none': no such column.",
        section=SPLITTING,
    )
    time_column: str = setting("", "When a row was written. Empty: guessed; 'none': no such column.")
    conversation_column: str = setting(
        "",
        "Whole conversations: lists of messages as OpenAI, ShareGPT or Gemini write them. Empty: guessed; 'none': no "
        "such column.",
        section=SHAPES,
    )
    conversation_answers: Literal["every", "last"] = setting(
        "every",
        "Of a conversation with several answers, 'every' one is an example with what was said before it; 'last' learns "
        "the last one alone.",
        section=SHAPES,
    )
    speaker_column: str = setting(
        "",
        "Who speaks, where each row is one turn (or one e-mail) of the conversation in thread column. Empty: guessed; "
        "'none': no such column.",
        section=SHAPES,
    )
    assistant_speaker: str = setting(
        "",
        "The speaker whose words are to be learned, or the domain of their e-mail addresses. Empty: guessed.",
        section=SHAPES,
    )
    context_column: str = setting(
        "",
        "A passage that the input is about; it becomes part of the prompt. Empty: guessed; 'none': no such column.",
        section=SHAPES,
    )
    system_column: str = setting(
        "",
        "A system prompt of each row's own, in place of the use case's. Empty: guessed; 'none': no such column.",
        section=SHAPES,
    )
    chosen_column: str = setting(
        "",
        "Of two answers the better one: it is learned, and the pair is kept for 09_align_with_feedback. Empty: "
        "guessed; 'none': no such column.",
        section=SHAPES,
    )
    rejected_column: str = setting(
        "", "Of two answers the worse one. Empty: guessed; 'none': no such column.", section=SHAPES
    )

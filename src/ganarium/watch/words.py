"""See `ganarium.words`."""

from ganarium.words import duration as duration
from ganarium.words import flat as flat
from ganarium.words import leaves as leaves
from ganarium.words import told as told

//! One vector, kept in one byte for each number: its cosine with another is off by less than a hundredth.

/// The direction that an embedding model gave a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    parts: Box<[i8]>,
    /// One divided by the length of `parts`.
    scale: f32,
}

impl Vector {
    /// Most numbers of a vector.
    pub const MAX_DIMENSION: usize = 4_096;

    /// Takes the numbers as the model gave them. None: they have no direction, are not all finite, or are too many.
    #[must_use]
    pub fn new(numbers: &[f32]) -> Option<Self> {
        let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        if !numbers.iter().all(|number| number.is_finite()) || largest <= 0.0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 127")]
        Self::from_parts(numbers.iter().map(|number| (number / largest * 127.0).round() as i8).collect())
    }

    /// Takes what [`Self::parts`] gave. None: it has no direction or is too long.
    #[must_use]
    pub fn from_parts(parts: Box<[i8]>) -> Option<Self> {
        let square = dot(&parts, &parts);
        #[expect(clippy::cast_precision_loss, reason = "a length needs no more digits")]
        let scale = (square as f32).sqrt().recip();
        (square > 0 && parts.len() <= Self::MAX_DIMENSION).then_some(Self { parts, scale })
    }

    /// The numbers, from -127 to 127; their length has no meaning.
    #[must_use]
    pub fn parts(&self) -> &[i8] {
        &self.parts
    }

    /// How many numbers it has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.parts.len()
    }

    /// The numbers, scaled so that the vector has the length one.
    pub(crate) fn unit(&self) -> impl Iterator<Item = f32> {
        self.parts.iter().map(|part| f32::from(*part) * self.scale)
    }

    /// The cosine of the angle between two vectors. 0 where they have not the same dimension.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        if self.dimension() != other.dimension() {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a cosine needs no more digits")]
        let product = dot(&self.parts, &other.parts) as f32;
        (product * self.scale * other.scale).clamp(-1.0, 1.0)
    }
}

/// At most 4,096 products of at most 2^14: the sum fits.
fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(i16::from(*a) * i16::from(*b))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_those_of_the_numbers() {
        let angle = |degrees: f32| Vector::new(&[degrees.to_radians().cos(), degrees.to_radians().sin()]).unwrap();
        for degrees in [0.0_f32, 10.0, 45.0, 90.0, 135.0, 180.0] {
            let found = angle(20.0).cosine(&angle(20.0 + degrees));
            assert!((found - degrees.to_radians().cos()).abs() < 0.01, "{degrees}: {found}");
        }
        let long = Vector::new(&vec![1e30; Vector::MAX_DIMENSION]).unwrap();
        assert!((long.cosine(&long) - 1.0).abs() < 1e-3);
        assert_eq!(long.cosine(&angle(0.0)), 0.0, "of another dimension");
        assert_eq!(Vector::from_parts(long.parts().into()), Some(long));
    }

    #[test]
    fn what_has_no_direction_is_no_vector() {
        let too_long = vec![1.0; Vector::MAX_DIMENSION + 1];
        for numbers in [&[][..], &[0.0, 0.0], &[1.0, f32::NAN], &[f32::INFINITY, 1.0], &too_long] {
            assert_eq!(Vector::new(numbers), None);
        }
        assert_eq!(Vector::from_parts(Box::new([0, 0])), None);
    }
}
